"""The actions of ECS that are about tasks; clusters and definitions are ministack's."""

import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping

from emulator import request
from emulator.faults import Fault
from emulator.inner import Inner
from emulator.life import Lives
from emulator.request import invalid
from emulator.task import Container, Ending, Fate, Task
from emulator.tokens import Tokens
from emulator.wire import Caller, Json, ServiceError

Action = Callable[[Caller, Json, Fault | None], Awaitable[Json]]

#: Seconds for which stopped tasks are remembered: "at least one hour", says DescribeTasks.
_REMEMBERED_S = 3600
_MOST_DESCRIBED = 100
_LIST_FILTERS = ("containerInstance", "family", "serviceName", "desiredStatus", "launchType")


class Tasks:
    """All tasks, and what can be asked of them.

    Parameters
    ----------
    inner
        Where clusters and definitions are.
    lives
        Where tasks run.
    """

    def __init__(self, inner: Inner, lives: Lives) -> None:
        self._inner = inner
        self._lives = lives
        self._tokens = Tokens()
        self._by_arn: dict[str, Task] = {}
        self.actions: Mapping[str, Action] = {
            "RunTask": self.run,
            "StopTask": self._stop,
            "DescribeTasks": self._describe,
            "ListTasks": self._list,
            "RegisterTaskDefinition": self._register,
            "DescribeClusters": self._describe_clusters,
        }

    def __iter__(self) -> Iterator[Task]:
        return iter(list(self._by_arn.values()))

    def find(self, name: str) -> Task | None:
        """Return a task by its ARN or id, whatever its cluster."""
        return next((task for task in self if name in (task.arn, task.id)), None)

    def forget(self, task: Task) -> None:
        """Know a task no more, as ECS does with stopped ones after an hour or more."""
        self._by_arn.pop(task.arn, None)

    # --- RunTask ----------------------------------------------------------------------------

    async def run(self, caller: Caller, params: Json, fault: Fault | None = None) -> Json:
        """Answer RunTask."""
        cluster = await self._cluster(caller, params.get("cluster"))
        token = params.get("clientToken")
        if token is None:
            tasks, failures = await self._launch(caller, params, cluster, fault)
            return self._begin(tasks, failures)
        arn = cluster["clusterArn"]
        async with self._tokens.lock(arn, token):
            before = self._tokens.find(arn, token, params)
            if before is not None:
                return before.replayed()
            tasks, failures = await self._launch(caller, params, cluster, fault)
            self._tokens.keep(arn, token, params, tasks, failures)
        return self._begin(tasks, failures)

    async def _launch(
        self, caller: Caller, params: Json, cluster: Json, fault: Fault | None
    ) -> tuple[list[Task], list[Json]]:
        """Return the tasks that a request asks for, or why there are none."""
        found = await self._inner.call(
            caller, "ecs", "DescribeTaskDefinition", {"taskDefinition": params["taskDefinition"]}
        )
        provider, launch_type = request.capacity(params, cluster)
        request.check(params, found["taskDefinition"], is_fargate=launch_type == "FARGATE")
        if fault is not None and fault.failures:
            return [], fault.failures
        fate = (fault and fault.fate) or Fate()
        propagated = found.get("tags", ()) if params.get("propagateTags") else ()
        tags = {one["key"]: one for one in [*propagated, *params.get("tags", ())]}
        tasks = [
            self._task(params, cluster, found["taskDefinition"], provider, launch_type)
            for _ in range(params.get("count", 1))
        ]
        for task in tasks:
            task.fate, task.tags = fate, list(tags.values())
        return tasks, []

    def _begin(self, tasks: list[Task], failures: list[Json]) -> Json:
        for task in tasks:
            self._by_arn[task.arn] = task
            self._lives.begin(task)
        return {"tasks": [{**one.describe(), "tags": one.tags} for one in tasks],
                "failures": failures}  # fmt: skip

    def _task(
        self, params: Json, cluster: Json, definition: Json, provider: str | None, launch_type: str
    ) -> Task:
        _, _, _, region, account, _ = cluster["clusterArn"].split(":")
        name, place = uuid.uuid4().hex, f"arn:aws:ecs:{region}:{account}"
        cpu, memory = request.size(params, definition)
        overrides = params.get("overrides") or {}
        return Task(
            arn=f"{place}:task/{cluster['clusterName']}/{name}",
            cluster_arn=cluster["clusterArn"],
            caller=Caller(account, region),
            definition=definition,
            request=params,
            provider=provider,
            launch_type=launch_type,
            cpu=cpu,
            memory=memory,
            containers=[
                Container(
                    arn=f"{place}:container/{cluster['clusterName']}/{name}/{uuid.uuid4()}",
                    definition=request.merged(one, overrides),
                    token=f"{name}-{index}",
                )
                for index, one in enumerate(definition["containerDefinitions"])
            ],
            tags=[],
            created_at=time.time(),
            credentials_id=str(uuid.uuid4()),
        )

    # --- of tasks that are there ------------------------------------------------------------

    async def _stop(self, caller: Caller, params: Json, _: Fault | None) -> Json:
        cluster = await self._cluster(caller, params.get("cluster"))
        task = self._known(self._arn(params["task"], cluster))
        if task is None:
            raise invalid("The referenced task was not found.")
        task.tags = []  # "any tags associated with the task will be deleted": StopTask's reference
        if task.status != "STOPPED":
            reason = params.get("reason") or "Task stopped by user"
            self._lives.stop(task, Ending(stop_code="UserInitiated", reason=reason))
        return {"task": task.describe()}

    async def _describe(self, caller: Caller, params: Json, _: Fault | None) -> Json:
        cluster = await self._cluster(caller, params.get("cluster"))
        names = params["tasks"]
        if not 1 <= len(names) <= _MOST_DESCRIBED:
            raise invalid(f"tasks can have 1 to {_MOST_DESCRIBED} items.")
        has_tags = "TAGS" in params.get("include", ())
        tasks, failures = [], []
        for arn in (self._arn(name, cluster) for name in names):
            task = self._known(arn)
            if task is None:
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                tasks.append(task.describe() | ({"tags": task.tags} if has_tags else {}))
        return {"tasks": tasks, "failures": failures}

    async def _list(self, caller: Caller, params: Json, _: Fault | None) -> Json:
        cluster = await self._cluster(caller, params.get("cluster"))
        started_by, family = params.get("startedBy"), params.get("family")
        if started_by is not None and any(name in params for name in _LIST_FILTERS):
            # "it must be the only filter that you use": ListTasks' reference
            raise invalid("startedBy must be the only filter.")
        desired = params.get("desiredStatus", "RUNNING")
        arns = [
            task.arn
            for task in self
            if task.cluster_arn == cluster["clusterArn"]
            and task.desired == desired
            and started_by in (None, task.started_by)
            and family in (None, task.definition["family"])
            and params.get("launchType") in (None, task.launch_type)
            and self._known(task.arn)
        ]
        start, most = int(params.get("nextToken") or 0), params.get("maxResults", 100)
        more = {"nextToken": str(start + most)} if start + most < len(arns) else {}
        return {"taskArns": arns[start : start + most], **more}

    async def _register(self, caller: Caller, params: Json, _: Fault | None) -> Json:
        request.check_definition(params)
        return await self._inner.call(caller, "ecs", "RegisterTaskDefinition", params)

    async def _describe_clusters(self, caller: Caller, params: Json, _: Fault | None) -> Json:
        """Count our tasks: ministack has none of its own."""
        said = await self._inner.call(caller, "ecs", "DescribeClusters", params)
        for cluster in said["clusters"]:
            mine = [task.status for task in self if task.cluster_arn == cluster["clusterArn"]]
            cluster["runningTasksCount"] = mine.count("RUNNING")
            cluster["pendingTasksCount"] = mine.count("PENDING") + mine.count("PROVISIONING")
        return said

    async def _cluster(self, caller: Caller, name: str | None) -> Json:
        said = await self._inner.call(
            caller, "ecs", "DescribeClusters", {"clusters": [name or "default"]}
        )
        if not said["clusters"]:
            raise ServiceError("ClusterNotFoundException", "Cluster not found.")
        found: Json = said["clusters"][0]
        return found

    def _known(self, arn: str) -> Task | None:
        task = self._by_arn.get(arn)
        if task and time.time() - task.times.get("stoppedAt", time.time()) > _REMEMBERED_S:
            self.forget(task)
            return None
        return task

    def _arn(self, name: str, cluster: Json) -> str:
        """Return the ARN of a task that is named by it or by its id."""
        if name.startswith("arn:"):
            return name
        prefix = str(cluster["clusterArn"]).replace(":cluster/", ":task/")
        return f"{prefix}/{name}"
