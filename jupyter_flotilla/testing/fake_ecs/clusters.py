"""Clusters and their capacity providers."""

from dataclasses import dataclass, field

from jupyter_flotilla.testing.fake_ecs.refusals import Json, cluster_not_found
from jupyter_flotilla.testing.fake_ecs.world import World

#: Capacity providers that every account has.
FARGATE_PROVIDERS = ("FARGATE", "FARGATE_SPOT")


@dataclass(slots=True)
class Cluster:
    """One cluster."""

    name: str
    arn: str
    providers: list[str]
    strategy: list[Json]
    tags: list[Json] = field(default_factory=list)

    def describe(self, running: int, pending: int) -> Json:
        """Return it as CreateCluster and DescribeClusters show it."""
        return {
            "clusterArn": self.arn,
            "clusterName": self.name,
            "status": "ACTIVE",
            "registeredContainerInstancesCount": 0,
            "runningTasksCount": running,
            "pendingTasksCount": pending,
            "activeServicesCount": 0,
            "statistics": [],
            "tags": self.tags,
            "settings": [{"name": "containerInsights", "value": "disabled"}],
            "capacityProviders": self.providers,
            "defaultCapacityProviderStrategy": self.strategy,
        }


class Clusters:
    """All clusters of the account, by name."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._by_name: dict[str, Cluster] = {}
        #: Names of capacity providers backed by EC2 groups.
        self.ec2_providers: list[str] = []

    def create(self, params: Json) -> Cluster:
        """Answer CreateCluster; creating one that is there returns it."""
        name = params.get("clusterName", "default")
        if name not in self._by_name:
            self._by_name[name] = Cluster(
                name=name,
                arn=self._world.arn(f"cluster/{name}"),
                providers=list(params.get("capacityProviders", ())),
                strategy=list(params.get("defaultCapacityProviderStrategy", ())),
                tags=list(params.get("tags", ())),
            )
        return self._by_name[name]

    def find(self, name_or_arn: str | None) -> Cluster:
        """Return a cluster by name or ARN, ``default`` for None; else raise."""
        name = (name_or_arn or "default").rsplit("/", 1)[-1]
        found = self._by_name.get(name)
        if found is None or (":" in (name_or_arn or "") and found.arn != name_or_arn):
            raise cluster_not_found()
        return found

    def look_up(self, names: list[str]) -> tuple[list[Cluster], list[Json]]:
        """Return the clusters that are there, and a failure for each that is not."""
        found, failures = [], []
        for name in names or ["default"]:
            cluster = self._by_name.get(name.rsplit("/", 1)[-1])
            if cluster is None:
                arn = name if ":" in name else self._world.arn(f"cluster/{name}")
                failures.append({"arn": arn, "reason": "MISSING"})
            else:
                found.append(cluster)
        return found, failures

    def describe_providers(self, params: Json) -> Json:
        """Answer DescribeCapacityProviders."""
        known = [*FARGATE_PROVIDERS, *self.ec2_providers]
        if params.get("cluster"):
            known = self.find(params["cluster"]).providers
        names = params.get("capacityProviders") or known
        return {
            "capacityProviders": [self._provider(name) for name in names if name in known],
            "failures": [
                {"arn": self._world.arn(f"capacity-provider/{name}"), "reason": "MISSING"}
                for name in names
                if name not in known
            ],
        }

    def _provider(self, name: str) -> Json:
        provider: Json = {
            "capacityProviderArn": self._world.arn(f"capacity-provider/{name}"),
            "name": name,
            "status": "ACTIVE",
            "tags": [],
        }
        if name in self.ec2_providers:
            group = self._world.arn(f"autoScalingGroup:{name}", service="autoscaling")
            provider["autoScalingGroupProvider"] = {
                "autoScalingGroupArn": group,
                "managedScaling": {"status": "ENABLED", "targetCapacity": 100},
            }
        return provider
