"""What is done to the dispatchers of `ecs_chaos`: killed at each statement, or all at random."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import pytest
from ecs_chaos import Dispatcher, Killed, World
from ecs_statements import EVERYWHERE, OPEN, PROTOCOL, Blade, is_of_engine, is_of_protocol, is_open

from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.engines.base import Written
from jupyter_flotilla.engines.ecs import launching
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.testing.fake_ecs import FakeEcs, faults

#: What goes wrong with a call of RunTask, and how often; and with any call.
_OF_LAUNCH: Sequence[tuple[float, faults.Fault]] = (
    (0.06, faults.throttle()), (0.05, faults.disguised_throttle()),
    (0.04, faults.server_error()), (0.06, faults.server_error(has_effect=True)),
    (0.04, faults.read_timeout(has_effect=False)), (0.08, faults.read_timeout()),
    (0.04, faults.connection_closed(has_effect=False)), (0.06, faults.connection_closed()),
    (0.03, faults.connect_timeout()), (0.05, faults.garbage()),
    (0.05, faults.refusal()), (0.03, faults.refusal("RESOURCE:CPU")),
)  # fmt: skip
_OF_ANY: Sequence[tuple[float, faults.Fault]] = (
    (0.03, faults.throttle()), (0.02, faults.disguised_throttle()), (0.02, faults.server_error()),
    (0.02, faults.read_timeout()), (0.02, faults.connection_closed()), (0.01, faults.garbage()),
)  # fmt: skip
#: Seconds in which no dispatcher lives: as long as a token does at least; and as long as may be.
SHORT_GAPS = (1.0, 20.0, 120.0)
LONG_GAPS = (60.0, 20 * 60.0, 44 * 60.0, 50 * 60.0, 70 * 60.0, 3 * 3600.0, 26 * 3600.0)


def sweep(
    world: World, gap_s: float, *, is_wide: bool = False, every: int = 1
) -> tuple[list[str], list[str], list[str]]:
    """Kill a run's dispatcher before each statement of its way, a run each, and go on.

    Parameters
    ----------
    gap_s
        Seconds until the next dispatcher begins.
    is_wide
        Whether all statements count, or those of the launch protocol only; after a gap, of these
        the engine's.
    every
        Kill at every so many of them only.

    Returns
    -------
    Ids of the runs, where the dispatcher of each was killed but of the last, and those of the runs
    that their user had to decide about.
    """
    run_ids: list[str] = []
    unknown: list[str] = []
    ways: dict[tuple[str, ...], None] = {}

    def is_new(way: tuple[str, ...]) -> bool:
        counts = is_wide or (is_of_protocol(way) and (not gap_s or is_of_engine(way)))
        if way in ways or not counts:
            return False
        ways[way] = None
        return len(ways) % every == 0

    while True:
        # a definition of its own: else only the first would register one
        run_ids.append(world.submit(image=f"python:{len(run_ids)}"))
        dispatcher = Dispatcher(world)
        files = EVERYWHERE if is_wide else PROTOCOL
        blade = dispatcher.blade = Blade(files, is_new, dispatcher.kill)
        with suppress(Killed):
            world.settle(run_ids[-1:], dispatcher)
        dispatcher.close()
        if not blade.at:
            return run_ids, [way[0] for way in ways], unknown
        world.advance(gap_s)
        world.settle(run_ids[-1:])
        unknown += world.decide(run_ids[-1:])


def without_token(patch: pytest.MonkeyPatch) -> None:
    """Send launches without a token: botocore makes up another one for each."""
    made = launching.run_task

    def run_task(*given: Any, **named: Any) -> dict[str, Any]:
        request = made(*given, **named)
        del request["clientToken"]
        return request

    patch.setattr(launching, "run_task", run_task)


def without_guard(patch: pytest.MonkeyPatch) -> None:
    """Send launches again however old they are."""
    patch.setattr(launching, "MOST_AGE_S", float("inf"))


def without_row(patch: pytest.MonkeyPatch) -> None:
    """Write nothing down before a launch is sent: each time is another request, with its token."""

    def write_ahead(self: Launcher, attempt: Attempt, request: Mapping[str, Any]) -> Written:
        return Written(request={**request, "clientToken": uuid.uuid4().hex}, age_s=0.0)

    patch.setattr(Launcher, "_write_ahead", write_ahead)


def plan_faults(fake: FakeEcs) -> None:
    """Let about half of all launches go wrong, before or after their effect, and other calls."""
    fake.clear_plans()
    for probability, fault in _OF_LAUNCH:
        fake.plan("RunTask", fault, None, probability=probability)
    for probability, fault in _OF_ANY:
        fake.plan("*", fault, None, probability=probability)


class Storm:
    """Everything goes wrong at random, from a seed, for the dispatchers of one world.

    Parameters
    ----------
    gaps
        Seconds that there may be no dispatcher.
    stalls
        Whether a dispatcher may be held up between two statements for as long, and then go on.
    """

    def __init__(
        self, world: World, gaps: Sequence[float] = SHORT_GAPS, *, stalls: bool = False
    ) -> None:
        self.world, self._gaps = world, gaps
        self._chance = random.Random(world.seed)
        self.counts = Counter[str]()
        self.run_ids: list[str] = []
        #: Of runs that their user has cancelled.
        self.cancelled: set[str] = set()
        self._crew = [Dispatcher(world), Dispatcher(world)]
        self._acts = {
            "nothing": 6, "kill": 5, "interleave": 4, "gap": 1, "logout": 0.4, "cancel": 0.4,
            **({"stall": 2} if stalls else {}),
        }  # fmt: skip

    def rage(self, promised: int) -> None:
        """Submit so many runs while all that may goes wrong; then let it be calm, and end."""
        plan_faults(self.world.fake)
        while len(self.run_ids) < promised:
            self.run_ids += [self.world.submit() for _ in range(self._chance.randint(1, 3))]
            for _ in range(4):
                [act] = self._chance.choices([*self._acts], [*self._acts.values()])
                getattr(self, f"_{act}")()
                self._step()
        for dispatcher in self._crew:
            dispatcher.close()
        for _ in range(3):  # events and a login may be late
            self.world.settle(self.run_ids)
        self.world.fake.clear_plans()
        self.world.settle(self.run_ids)

    def _step(self) -> None:
        for number, dispatcher in enumerate(self._crew):
            try:
                dispatcher.step()
            except Killed:
                self.counts["kill"] += 1
                self._crew[number] = Dispatcher(self.world)
            self.world.advance(self._chance.uniform(0.2, 4.0))

    def _nothing(self) -> None:
        pass

    def _kill(self) -> None:
        """Have one killed somewhere in its next steps."""
        victim = self._chance.choice(self._crew)
        victim.blade = Blade(EVERYWHERE, self._one_of(2000), victim.kill)

    def _interleave(self) -> None:
        """Have one step while the other is between two statements."""
        one, other = self._chance.sample(self._crew, 2)
        other.blade = None
        chooses = self._one_of(600)

        def meanwhile() -> None:
            self.counts["interleave"] += 1
            other.step()

        one.blade = Blade(OPEN, lambda way: is_open(way) and chooses(way), meanwhile)

    def _stall(self) -> None:
        """Have one held up between two statements: a laptop that sleeps."""
        victim = self._chance.choice(self._crew)
        seconds = self._chance.choice(self._gaps)

        def sleep() -> None:
            self.counts["stall"] += 1
            self.world.advance(seconds)

        victim.blade = Blade(EVERYWHERE, self._one_of(1000), sleep)

    def _gap(self) -> None:
        """Let there be no dispatcher for a while, since just before an answer came."""
        self.counts["gap"] += 1
        self.run_ids.append(self.world.submit())
        self.world.fake.plan("RunTask", faults.read_timeout())
        self._step()
        for dispatcher in self._crew:
            dispatcher.close()
        self.world.advance(self._chance.choice(self._gaps))
        self._crew = [Dispatcher(self.world), Dispatcher(self.world)]

    def _logout(self) -> None:
        """Let the credentials be expired for some minutes."""
        self.counts["logout"] += 1
        self.world.fake.clear_plans()
        self.world.fake.plan("*", faults.expired_token(), None)
        for _ in range(self._chance.randint(1, 20)):
            self._step()
            self.world.advance(10)
        plan_faults(self.world.fake)

    def _cancel(self) -> None:
        going_on = [one for one in self.run_ids if not self.world.run(one).status.is_final]
        if going_on:
            self.counts["cancel"] += 1
            self.cancelled.add(self._chance.choice(going_on))
            for run_id in self.cancelled:
                self.world.cancel(run_id)

    def _one_of(self, most: int) -> Callable[[tuple[str, ...]], bool]:
        """Return what chooses one of so many next statements."""
        left = iter(range(self._chance.randrange(most)))
        return lambda way: next(left, None) is None
