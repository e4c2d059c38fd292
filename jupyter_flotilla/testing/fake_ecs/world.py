"""What all parts of one fake share: time, chance, names, and what is going to happen when."""

import heapq
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from jupyter_flotilla.testing.fake_ecs.clock import Clock
from jupyter_flotilla.testing.fake_ecs.throttle import BUCKETS, BucketSize


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """How a fake behaves. Every default is what AWS documents, where it does."""

    account: str = "123456789012"
    region: str = "us-east-1"
    #: Seconds after RunTask for which a task is not found by reads and StopTask. AWS says only
    #: that reads are eventually consistent, and to be patient "up to about five minutes".
    missing_s: float = 0.0
    #: Seconds for which a stopped task is remembered ("at least one hour").
    stopped_kept_s: float = 3600.0
    #: Seconds after DeregisterTaskDefinition in which RunTask still takes it (up to 600).
    inactive_grace_s: float = 0.0
    #: Whether calls too many are refused.
    throttles: bool = True
    #: Burst and refill by category; replace single ones with ``{**BUCKETS, …}``.
    buckets: Mapping[str, BucketSize] = field(default_factory=lambda: BUCKETS)
    #: Fargate vCPU quotas. 6 is what most new accounts have.
    on_demand_vcpu: float = 6.0
    spot_vcpu: float = 6.0
    #: Whether RunTask refuses what goes over them.
    enforces_vcpu: bool = False
    #: Least and most seconds by which an event arrives late: a range puts them out of order.
    event_delay_s: tuple[float, float] = (0.0, 0.0)
    #: Chance that an event comes twice, and that it never comes.
    event_duplicates: float = 0.0
    event_losses: float = 0.0
    #: Most real seconds that ReceiveMessage waits for a message. 0: it answers at once, as is
    #: right with a `ManualClock`.
    long_poll_s: float = 0.0


class World:
    """Time, chance and the agenda of one fake.

    What is on the agenda happens in the order of its times, each at its own time, however far
    the clock was moved at once.
    """

    def __init__(self, clock: Clock, seed: int, settings: Settings) -> None:
        self.clock = clock
        self.random = random.Random(seed)
        self.settings = settings
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._sequence = 0
        self._then: float | None = None

    @property
    def now(self) -> float:
        """The time, in seconds since 1970; inside a deed of the agenda, that deed's time."""
        return self.clock.now() if self._then is None else self._then

    def at(self, due: float, deed: Callable[[], None]) -> None:
        """Put a deed on the agenda."""
        self._sequence += 1
        heapq.heappush(self._agenda, (due, self._sequence, deed))

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Put a deed on the agenda, so many seconds from now."""
        self.at(self.now + seconds, deed)

    def catch_up(self) -> None:
        """Do all that is due by now."""
        if self._then is not None:
            return  # a deed's callback asked: the rest follows when it returns
        until = self.clock.now()
        try:
            while self._agenda and self._agenda[0][0] <= until:
                self._then, _, deed = heapq.heappop(self._agenda)
                deed()
        finally:
            self._then = None

    def chance(self, probability: float) -> bool:
        """Say whether something happens this time."""
        return probability > 0 and self.random.random() < probability

    def hex(self, digits: int = 32) -> str:
        """Return a new name of hexadecimal digits."""
        return f"{self.random.getrandbits(4 * digits):0{digits}x}"

    def uuid(self) -> str:
        """Return a new name in the form of a UUID."""
        name = self.hex()
        return "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:]))

    def arn(self, resource: str, service: str = "ecs") -> str:
        """Return the ARN of a resource such as ``cluster/default``."""
        return f"arn:aws:{service}:{self.settings.region}:{self.settings.account}:{resource}"
