"""What happens to a task from its creation until it is forgotten."""

from collections.abc import Callable

from jupyter_flotilla.testing.fake_ecs.endings import Ending
from jupyter_flotilla.testing.fake_ecs.task import Status, Task
from jupyter_flotilla.testing.fake_ecs.world import World

#: Called when a task's program would start. None: it runs as scripted; an `Ending`, such as
#: ``exited(LEASE_TAKEN)``: it ends at once, that way.
OnStart = Callable[[Task], Ending | None]


class Lifecycle:
    """Moves tasks along their scripts.

    Parameters
    ----------
    world
        Time.
    on_change
        Called after each change that ECS would tell of by an event.
    on_stopped
        Called once for each task, when it is STOPPED.
    on_start
        Called at the moment when the user's code would start.
    """

    def __init__(
        self,
        world: World,
        *,
        on_change: Callable[[Task], None],
        on_stopped: Callable[[Task], None],
        on_start: OnStart | None,
    ) -> None:
        self._world = world
        self._on_change = on_change
        self._on_stopped = on_stopped
        self.on_start = on_start

    def begin(self, task: Task) -> None:
        """Put a new task on its way."""
        self._on_change(task)
        self._then(task, task.script.provisioning_s, self._provisioned)

    def end(self, task: Task, ending: Ending) -> None:
        """End a task now, as something else than its script says. An ended one stays as it is."""
        if task.desired == "STOPPED" and (ending.has_warning or task.status == "DEPROVISIONING"):
            return
        if task.status == "STOPPED":
            return
        self._condemn(task, ending)
        if ending.has_warning and task.has_started:
            self._changed(task)
            leaves_s = min(task.script.stops_in_s, task.stop_timeout_s)
            self._then(task, leaves_s, self._left)
        else:
            self._exited(task, ending)

    def _provisioned(self, task: Task) -> None:
        ending = task.script.ending
        if ending.part == "provisioning":
            self.end(task, ending)
            return
        self._enter(task, "PENDING", "connectivityAt", "pullStartedAt")
        self._then(task, task.script.pulling_s, self._pulled)

    def _pulled(self, task: Task) -> None:
        if task.script.ending.part == "pulling":
            self.end(task, task.script.ending)
            return
        task.times["pullStoppedAt"] = self._world.now
        task.shown = None  # no event of its own
        self._then(task, task.script.starting_s, self._started)

    def _started(self, task: Task) -> None:
        self._enter(task, "RUNNING", "startedAt")
        ending = self.on_start(task) if self.on_start is not None else None
        if task.desired == "STOPPED":
            return  # the callback itself ended it
        if ending is not None:
            self.end(task, ending)
        elif task.script.runs_s is not None:
            self._then(task, task.script.runs_s, lambda it: self.end(it, it.script.ending))

    def _condemn(self, task: Task, ending: Ending) -> None:
        if task.desired == "STOPPED":
            return  # what came first is the reason
        task.desired = "STOPPED"
        task.stop_code = ending.stop_code
        task.stopped_reason = ending.stopped_reason
        task.times["stoppingAt"] = self._world.now
        task.shown = None

    def _left(self, task: Task) -> None:
        """Let the program of a task that was told to leave be gone."""
        is_late = task.script.stops_in_s > task.stop_timeout_s
        task.exit_code = 137 if is_late else task.script.stop_exit_code
        self._deprovision(task)

    def _exited(self, task: Task, ending: Ending) -> None:
        if task.has_started:
            task.exit_code = ending.exit_code
        task.container_reason = ending.container_reason
        self._deprovision(task)

    def _deprovision(self, task: Task) -> None:
        self._enter(task, "DEPROVISIONING", "executionStoppedAt")
        self._then(task, task.script.deprovisioning_s, self._stopped)

    def _stopped(self, task: Task) -> None:
        self._enter(task, "STOPPED", "stoppedAt")
        self._on_stopped(task)

    def _enter(self, task: Task, status: Status, *times: str) -> None:
        task.status = status
        for name in times:
            task.times[name] = self._world.now
        self._changed(task)

    def _changed(self, task: Task) -> None:
        task.version += 1
        task.shown = None
        self._on_change(task)

    def _then(self, task: Task, seconds: float, deed: Callable[[Task], None]) -> None:
        """Plan the next step of a task; whatever was planned for it before is void."""
        task.plan += 1
        plan = task.plan
        self._world.after(seconds, lambda: deed(task) if task.plan == plan else None)
