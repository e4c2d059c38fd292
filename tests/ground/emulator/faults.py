"""What tests have planned: calls that go wrong, and tasks with a fate."""

import dataclasses
import json
from collections import Counter
from dataclasses import dataclass, field

from emulator.task import Fate
from emulator.wire import Json


class BadPlan(Exception):
    """A plan that cannot be meant."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """One way in which calls go wrong.

    A call goes wrong before it has an effect, or after it (``has_effect``): the nasty one, where
    the task was started and the caller never heard of it.
    """

    #: What is called: ``RunTask``, ``ReceiveMessage``, ``CreateSchedule``, … of any service that
    #: speaks JSON by X-Amz-Target, and of EventBridge Scheduler.
    action: str = "RunTask"
    #: Name of the cluster that is called; None: any.
    cluster: str | None = None
    #: What must be in the request's JSON, such as a launch key; empty: nothing.
    matching: str = ""
    #: Calls to spoil.
    times: int = 1
    has_effect: bool = False
    #: The answer, instead of the service's: ``code``, ``message`` and HTTP ``status``.
    error: Json | None = None
    #: Seconds without an answer; then the connection is closed.
    hangs_s: float | None = None
    #: Whether the connection is closed without an answer.
    closes: bool = False
    #: Of RunTask: what it says in ``failures``, with HTTP 200 and no task.
    failures: list[Json] = field(default_factory=list)
    #: Of RunTask: what becomes of the tasks.
    fate: Fate | None = None

    @classmethod
    def of(cls, plan: Json) -> "Fault":
        """Return the fault that a plan describes; raises BadPlan."""
        ways = [name for name in ("error", "hangs_s", "closes", "failures", "fate")
                if plan.get(name)]  # fmt: skip
        if len(ways) != 1:
            raise BadPlan(f"one of error, hangs_s, closes, failures and fate, not {ways}")
        try:
            fate = Fate(**plan["fate"]) if plan.get("fate") else None
            return cls(**{**plan, "fate": fate})
        except TypeError as error:
            raise BadPlan(str(error)) from error

    @property
    def spoils_answer(self) -> bool:
        """Whether the caller does not get the service's answer."""
        return self.error is not None or self.hangs_s is not None or self.closes

    def matches(self, action: str, cluster: str | None, text: str) -> bool:
        """Say whether a call is one of those that go wrong."""
        return (
            self.times > 0
            and self.action == action
            and self.cluster in (None, cluster)
            and self.matching in text
        )


class Faults:
    """The plans of all tests, in order, and how often what was called."""

    def __init__(self) -> None:
        self._planned: list[Fault] = []
        self._calls: dict[str | None, Counter[str]] = {}

    def plan(self, plan: Json) -> None:
        """Add a plan."""
        self._planned.append(Fault.of(plan))

    def take(self, action: str, params: Json) -> Fault | None:
        """Count a call; return what goes wrong with it, and count that too."""
        cluster = cluster_name(params)
        self._calls.setdefault(cluster, Counter())[action] += 1
        text = json.dumps(params, ensure_ascii=False)
        for fault in self._planned:
            if fault.matches(action, cluster, text):
                fault.times -= 1
                return fault
        return None

    def left(self, cluster: str | None) -> list[Json]:
        """Return the plans of a cluster that still wait for calls."""
        return [dataclasses.asdict(one) for one in self._planned
                if one.times > 0 and one.cluster == cluster]  # fmt: skip

    def clear(self, cluster: str | None) -> None:
        """Forget the plans and the counts of a cluster."""
        self._planned = [one for one in self._planned if one.cluster != cluster]
        self._calls.pop(cluster, None)

    def calls(self, cluster: str | None) -> dict[str, int]:
        """Return action → number of calls; None: those that name no cluster."""
        return dict(self._calls.get(cluster, {}))


def cluster_name(params: Json) -> str | None:
    """Return the name of the cluster that a request is about, if it is about one."""
    cluster = params.get("cluster")
    return cluster.rsplit("/", 1)[-1] if isinstance(cluster, str) else None
