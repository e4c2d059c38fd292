"""Who counts how often the user's code started; outside of whatever is tested."""

from collections import Counter
from collections.abc import Callable

from jupyter_flotilla.testing.fake_ecs.endings import LEASE_TAKEN, Ending, exited
from jupyter_flotilla.testing.fake_ecs.task import Task


class StartOracle:
    """Counts starts; give it to `FakeEcs` as ``on_start``.

    Parameters
    ----------
    key
        What work a task has; two tasks of one key must not both do it. By default what it was
        ``startedBy``.
    has_lease
        Whether containers look after that themselves, as Flotilla's do with an object that only
        the first can write: later ones of a key exit with code 75 and start nothing.
    """

    def __init__(
        self, key: Callable[[Task], str | None] | None = None, *, has_lease: bool = False
    ) -> None:
        self._key = key or (lambda task: task.started_by)
        self._has_lease = has_lease
        #: Key → how often the user's code began.
        self.starts: Counter[str] = Counter()
        #: Key → ARNs of the tasks that came to run, in that order.
        self.tasks: dict[str, list[str]] = {}

    def __call__(self, task: Task) -> Ending | None:
        key = self._key(task) or task.arn
        self.tasks.setdefault(key, []).append(task.arn)
        if self._has_lease and self.starts[key]:
            return exited(LEASE_TAKEN)
        self.starts[key] += 1
        return None

    @property
    def repeated(self) -> dict[str, int]:
        """The keys whose code began more than once, and how often."""
        return {key: count for key, count in self.starts.items() if count > 1}
