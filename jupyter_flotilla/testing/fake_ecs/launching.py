"""RunTask: from a request to tasks, once a token."""

from collections.abc import Callable, Sequence

from jupyter_flotilla.testing.fake_ecs import request
from jupyter_flotilla.testing.fake_ecs.clusters import FARGATE_PROVIDERS, Cluster, Clusters
from jupyter_flotilla.testing.fake_ecs.definitions import Definition, Definitions
from jupyter_flotilla.testing.fake_ecs.endings import Script
from jupyter_flotilla.testing.fake_ecs.refusals import Json, invalid
from jupyter_flotilla.testing.fake_ecs.task import Task
from jupyter_flotilla.testing.fake_ecs.throttle import Throttle
from jupyter_flotilla.testing.fake_ecs.tokens import Tokens, replayed
from jupyter_flotilla.testing.fake_ecs.world import World

#: What ECS says when the vCPU quota is used up, as its own page of service events has it; that
#: RunTask puts it into ``failures`` is what some of its users' programs look for [unverified].
OVER_QUOTA = "You’ve reached the limit on the number of vCPUs you can run concurrently"


class Launcher:
    """Answers RunTask.

    Parameters
    ----------
    world, clusters, definitions, throttle
        What it works with.
    begin
        Takes over each new task.
    script
        Gives the script of a new task of a request.
    used_vcpu
        Tells how many vCPU run now, on Spot or not.
    """

    def __init__(
        self,
        world: World,
        clusters: Clusters,
        definitions: Definitions,
        throttle: Throttle,
        *,
        begin: Callable[[Task], None],
        script: Callable[[Json], Script],
        used_vcpu: Callable[[bool], float],
    ) -> None:
        self._world = world
        self._clusters = clusters
        self._definitions = definitions
        self._throttle = throttle
        self._begin = begin
        self._script = script
        self._used_vcpu = used_vcpu
        self._tokens = Tokens()

    def run_task(self, params: Json, refused: Sequence[Json] = ()) -> Json:
        """Answer RunTask.

        Parameters
        ----------
        params
            The request.
        refused
            ``failures`` to answer instead of starting anything. Not empty: a fault that a test
            has planned.
        """
        cluster = self._clusters.find(params.get("cluster"))
        before = self._tokens.replay(cluster.arn, params, self._world.now)
        if before is not None:
            return replayed(before, self._world.now)
        definition = self._definitions.runnable(params["taskDefinition"])
        provider, launch_type = self._place(params, cluster)
        is_fargate = launch_type == "FARGATE"
        request.check(params, definition, is_fargate=is_fargate)
        count = params.get("count", 1)
        if is_fargate:
            self._take(count, is_spot=provider == "FARGATE_SPOT")
            refused = refused or self._over_quota(params, definition, provider, count)
        tasks = [] if refused else [
            self._task(params, cluster, definition, provider, launch_type) for _ in range(count)
        ]  # fmt: skip
        # kept before anything begins: what begins may end at once, and its end counts here
        self._tokens.keep(cluster.arn, params, self._world.now, tasks, refused)
        for task in tasks:
            self._begin(task)
        return {"tasks": [_with_tags(task) for task in tasks], "failures": list(refused)}

    def _take(self, count: int, *, is_spot: bool) -> None:
        tasks = "fargate-spot-tasks" if is_spot else "fargate-on-demand-tasks"
        self._throttle.take({"fargate-run-task": 1, tasks: count})

    def _over_quota(
        self, params: Json, definition: Definition, provider: str | None, count: int
    ) -> Sequence[Json]:
        settings = self._world.settings
        if not settings.enforces_vcpu:
            return ()
        is_spot = provider == "FARGATE_SPOT"
        quota = settings.spot_vcpu if is_spot else settings.on_demand_vcpu
        asked = count * int(request.size(params, definition)[0]) / 1024
        if self._used_vcpu(is_spot) + asked <= quota:
            return ()
        return [{"reason": OVER_QUOTA}]

    def _place(self, params: Json, cluster: Cluster) -> tuple[str | None, str]:
        """Return the capacity provider, or None, and the launch type."""
        strategy = params.get("capacityProviderStrategy")
        if strategy and params.get("launchType"):
            raise invalid(
                "Specifying both a launch type and capacity provider strategy is not supported. "
                "Remove one and try again."
            )
        if params.get("launchType"):
            return None, params["launchType"]
        strategy = strategy or cluster.strategy
        if not strategy:
            return None, "EC2"
        names = {one["capacityProvider"] for one in strategy}
        if not names <= set(cluster.providers):
            raise invalid(
                "The specified capacity provider strategy cannot contain a capacity provider that "
                "is not associated with the cluster."
            )
        if 0 < len(names & set(FARGATE_PROVIDERS)) < len(names):
            raise invalid(
                "A capacity provider strategy cannot contain a mix of capacity providers using "
                "Auto Scaling groups and Fargate providers."
            )
        provider = self._choose(strategy)
        return provider, "FARGATE" if provider in FARGATE_PROVIDERS else "EC2"

    def _choose(self, strategy: Sequence[Json]) -> str:
        """Return one provider: those with a base first, then by weight."""
        for one in strategy:
            if one.get("base", 0) > 0:
                return str(one["capacityProvider"])
        weights = [one.get("weight", 0) for one in strategy]
        if not any(weights):
            weights = [1] * len(strategy)
        [chosen] = self._world.random.choices(strategy, weights)
        return str(chosen["capacityProvider"])

    def _task(
        self,
        params: Json,
        cluster: Cluster,
        definition: Definition,
        provider: str | None,
        launch_type: str,
    ) -> Task:
        world = self._world
        name = world.hex()
        cpu, memory = request.size(params, definition)
        return Task(
            arn=world.arn(f"task/{cluster.name}/{name}"),
            cluster_arn=cluster.arn,
            definition=definition,
            request=params,
            script=self._script(params),
            created_at=world.now,
            provider=provider,
            launch_type=launch_type,
            cpu=cpu,
            memory=memory,
            availability_zone=world.settings.region + world.random.choice("abc"),
            network_interface=self._interface(params),
            container_arns=[
                world.arn(f"container/{cluster.name}/{name}/{world.uuid()}")
                for _ in definition.containers
            ],
            tags=_tags(params, definition),
        )

    def _interface(self, params: Json) -> Json | None:
        vpc = params.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
        if not vpc.get("subnets"):
            return None
        details = {
            "subnetId": self._world.random.choice(vpc["subnets"]),
            "networkInterfaceId": "eni-" + self._world.hex(17),
            "privateIPv4Address": f"10.0.0.{self._world.random.randrange(4, 250)}",
        }
        return {
            "id": self._world.uuid(),
            "type": "ElasticNetworkInterface",
            "details": [{"name": name, "value": value} for name, value in details.items()],
        }


def _tags(params: Json, definition: Definition) -> list[Json]:
    """Return a new task's tags: its own, and the definition's where the request says so."""
    propagated = definition.tags if params.get("propagateTags") == "TASK_DEFINITION" else []
    by_key = {tag["key"]: tag for tag in [*propagated, *params.get("tags", ())]}
    return list(by_key.values())


def _with_tags(task: Task) -> Json:
    return {**task.describe(), "tags": task.tags}
