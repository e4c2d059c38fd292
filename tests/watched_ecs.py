"""A `Watch`, and a `Feed` if wanted, over the fake ECS in simulated time, with calls counted."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from typing import Any

from fargate_task import NETWORK, register

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.engines.ecs.account import Account
from jupyter_flotilla.engines.ecs.feed import Feed
from jupyter_flotilla.engines.ecs.observe import Seen, Watch
from jupyter_flotilla.engines.ecs.throttle import Throttle
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.testing.fake_ecs import FakeEcs, Script
from jupyter_flotilla.testing.fake_ecs import Settings as FakeSettings

#: Homes that share a cluster.
INSTALL, OTHER_INSTALL = "abcd1234", "0f0f0f0f"
#: A task that runs until it is ended.
ENDLESS = Script(runs_s=None)
#: Seconds between two looks of a simulated dispatcher, and what a long poll waits.
STEP_S, LONG_POLL_S = 1.0, 20.0
#: How often a queue with much in it can be read in a second: a turn is two calls.
_TURNS_A_LOOK = 10


class Inline(Executor):
    """Runs all at once, in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


class Home:
    """What looks at the tasks of one home, on a fake that several may share.

    Parameters
    ----------
    queue
        Name of the home's queue; None: it has no feed.
    executor
        Where AWS is asked.
    """

    def __init__(
        self,
        fake: FakeEcs,
        install: str = INSTALL,
        *,
        queue: str | None = None,
        executor: Executor | None = None,
        jitter: Callable[[], float] = lambda: 0.5,
    ) -> None:
        self.fake = fake
        self.install = install
        self.calls = Counter[str]()
        #: Of each DescribeTasks, how many it asked for.
        self.asked: list[int] = []
        clock = fake.clock.now
        throttle = Throttle(clock=clock, wait=lambda changed, seconds: fake.advance(seconds))
        self._account = Account(
            Settings(ecs=EcsSettings(cluster="default")),
            make_client=fake.client, throttle=throttle, clock=clock, sleep=fake.advance,
        )  # fmt: skip
        self.feed: Feed | None = None
        if queue is not None:
            self.queue = fake.add_queue(queue)
            self.feed = Feed(
                self, self.queue.url, install, lambda task: self.watch.apply(task),
                clock=clock, now=lambda: datetime.fromtimestamp(clock(), UTC),
                start=lambda listen: None,
            )  # fmt: skip
        self.watch = Watch(
            self, "default", executor or Inline(), clock=clock, jitter=jitter,
            **({} if self.feed is None else
               {"is_told": self.feed.is_healthy, "on_change": self.feed.expect}),
        )  # fmt: skip
        self._not_before = self._polled_at = 0.0

    def call(self, service: str, action: str, /, **params: Any) -> dict[str, Any]:
        """Ask the fake, as `Account` does."""
        self.calls[action] += 1
        if action == "DescribeTasks":
            self.asked.append(len(params["tasks"]))
        return self._account.call(service, action, **params)

    def launch(self, count: int = 1, script: Script = ENDLESS) -> list[str]:
        """Start tasks, as fast as Fargate lets; return their ARNs."""
        ecs = self.fake.client("ecs")
        if not self.fake.calls["RegisterTaskDefinition"]:
            register(ecs)
        arns: list[str] = []
        while len(arns) < count:
            self.fake.script_next(*[script] * min(10, count - len(arns)))
            answer = ecs.run_task(
                cluster="default", taskDefinition="job", launchType="FARGATE",
                networkConfiguration=NETWORK, count=min(10, count - len(arns)),
                startedBy=f"flotilla/{self.install}/r{len(arns)}-1",
            )  # fmt: skip
            arns += [task["taskArn"] for task in answer["tasks"]]
            self.fake.advance(0.5)
        return arns

    def look(self, arns: list[str]) -> dict[str, Seen]:
        """Look at tasks once, as a dispatcher does, and at the queue if it is its turn."""
        now = self.fake.clock.now()
        for _ in range(_TURNS_A_LOOK):
            if self.feed is None or now < self._not_before:
                break
            is_there = any(one.visible_at <= now for one in self.queue.messages.values())
            # a long poll answers when there is something, or when its time is over
            if not is_there and now - self._polled_at < LONG_POLL_S:
                break
            self._not_before = now + self.feed.turn()
            self._polled_at = now
        return dict(zip(arns, self.watch.look(arns), strict=True))

    def pass_time(
        self, seconds: float, arns: list[str], step_s: float = STEP_S
    ) -> Mapping[str, int]:
        """Look at tasks for a while; return how often each action was called in it."""
        before = Counter(self.calls)
        until = self.fake.clock.now() + seconds
        while self.fake.clock.now() < until:
            self.fake.advance(step_s)
            self.look(arns)
        return self.calls - before


def new_fake(**settings: Any) -> FakeEcs:
    """Return a fake in which time passes only where somebody lets it."""
    return FakeEcs(seed=1, settings=FakeSettings(**settings), script=ENDLESS)
