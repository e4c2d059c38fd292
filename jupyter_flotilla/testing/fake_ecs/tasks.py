"""DescribeTasks, ListTasks, StopTask, and the tags of tasks and clusters."""

from collections.abc import Callable, Iterator

from jupyter_flotilla.testing.fake_ecs.clusters import Cluster, Clusters
from jupyter_flotilla.testing.fake_ecs.definitions import Definitions
from jupyter_flotilla.testing.fake_ecs.endings import Ending, stopped_by_user
from jupyter_flotilla.testing.fake_ecs.paging import page
from jupyter_flotilla.testing.fake_ecs.refusals import Json, ServiceError, invalid, task_not_found
from jupyter_flotilla.testing.fake_ecs.task import Task
from jupyter_flotilla.testing.fake_ecs.world import World

#: Most tasks of one DescribeTasks.
_MOST_DESCRIBED = 100
_OTHER_FILTERS = ("containerInstance", "family", "serviceName", "desiredStatus", "launchType",
                  "daemonName")  # fmt: skip


class Tasks:
    """The tasks that ECS knows: those that run, and those that stopped not long ago."""

    def __init__(self, world: World, clusters: Clusters, definitions: Definitions) -> None:
        self._world = world
        self._clusters = clusters
        self._definitions = definitions
        self._by_arn: dict[str, Task] = {}

    def __iter__(self) -> Iterator[Task]:
        return iter(self._by_arn.values())

    def add(self, task: Task) -> None:
        self._by_arn[task.arn] = task

    def forget(self, task: Task) -> None:
        """Forget a stopped task, as ECS does after an hour or more."""
        self._by_arn.pop(task.arn, None)

    def find(self, arn: str) -> Task:
        """Return a task that is or was here; for tests, which see more than reads do."""
        return self._by_arn[arn]

    def describe(self, params: Json) -> Json:
        """Answer DescribeTasks."""
        cluster = self._clusters.find(params.get("cluster"))
        names = params["tasks"]
        if not names:
            raise invalid("Tasks cannot be empty.")
        if len(names) > _MOST_DESCRIBED:
            raise invalid("tasks can have at most 100 items.")  # [unverified wording]
        has_tags = "TAGS" in params.get("include", ())
        tasks, failures = [], []
        for name in names:
            arn = self._arn(name, cluster)
            task = self._visible(arn)
            if task is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                shown = task.describe()
                tasks.append({**shown, "tags": task.tags} if has_tags else shown)
        return {"tasks": tasks, "failures": failures}

    def list_arns(self, params: Json) -> Json:
        """Answer ListTasks: RUNNING by default, and ``startedBy`` alone or not at all."""
        cluster = self._clusters.find(params.get("cluster"))
        started_by = params.get("startedBy")
        if started_by is not None and any(name in params for name in _OTHER_FILTERS):
            # "it must be the only filter that you use": ListTasks' reference, wording unverified
            raise invalid("startedBy must be the only filter.")
        desired = params.get("desiredStatus", "RUNNING")
        family = params.get("family")
        arns = [
            task.arn
            for task in self
            if task.cluster_arn == cluster.arn
            and task.desired == desired
            and started_by in (None, task.started_by)
            and family in (None, task.definition.family)
            and params.get("launchType") in (None, task.launch_type)
            and self._visible(task.arn) is not None
        ]
        return page("taskArns", arns, params)

    def stop(self, params: Json, end: Callable[[Task, Ending], None]) -> Json:
        """Answer StopTask. "Any tags associated with the task will be deleted", says AWS."""
        cluster = self._clusters.find(params.get("cluster"))
        task = self._visible(self._arn(params["task"], cluster))
        if task is None:
            raise task_not_found()
        task.tags = []
        end(task, stopped_by_user(params.get("reason") or "Task stopped by user"))
        return {"task": task.describe()}

    def tag(self, params: Json) -> Json:
        """Answer TagResource."""
        tags = self._tags(params["resourceArn"])
        news = {tag["key"]: tag for tag in [*tags, *params["tags"]]}
        if len(news) > 50:
            raise ServiceError("LimitExceededException", "A resource has at most 50 tags.")
        tags[:] = news.values()
        return {}

    def list_tags(self, params: Json) -> Json:
        """Answer ListTagsForResource."""
        return {"tags": list(self._tags(params["resourceArn"]))}

    def _tags(self, arn: str) -> list[Json]:
        if ":task/" in arn:
            task = self._visible(arn)
            if task is None:
                raise task_not_found()
            return task.tags
        if ":task-definition/" in arn:
            definition = self._definitions.find(arn)
            if definition is None:
                raise invalid("The specified task definition was not found.")
            return definition.tags
        return self._clusters.find(arn).tags

    def _visible(self, arn: str) -> Task | None:
        task = self._by_arn.get(arn)
        if task is None or self._world.now - task.created_at < self._world.settings.missing_s:
            return None
        return task

    def _arn(self, name: str, cluster: Cluster) -> str:
        """Return the ARN of a task that is named by it or by its id."""
        if not name.startswith("arn:"):
            if len(name) not in (32, 36):
                raise invalid("taskId length should be one of [32,36]")
            return self._world.arn(f"task/{cluster.name}/{name}")
        parts = name.split(":")[-1].split("/")
        if len(parts) == 3 and parts[1] != cluster.name:
            raise invalid(
                f"Invalid identifier: Identifier is for cluster {parts[1]}. "
                f"Your cluster is {cluster.name}"
            )
        return name
