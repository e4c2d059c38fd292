"""`FakeEcs`: one AWS account with ECS in it, in memory."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from jupyter_flotilla.testing.fake_ecs import botocore_door, http_door
from jupyter_flotilla.testing.fake_ecs.account import Account, Logs
from jupyter_flotilla.testing.fake_ecs.clock import Clock, ManualClock
from jupyter_flotilla.testing.fake_ecs.clusters import FARGATE_PROVIDERS, Clusters
from jupyter_flotilla.testing.fake_ecs.definitions import Definitions
from jupyter_flotilla.testing.fake_ecs.desk import Desk
from jupyter_flotilla.testing.fake_ecs.endings import Ending, Script
from jupyter_flotilla.testing.fake_ecs.events import Feed, Rule
from jupyter_flotilla.testing.fake_ecs.faults import Fault
from jupyter_flotilla.testing.fake_ecs.launching import Launcher
from jupyter_flotilla.testing.fake_ecs.lifecycle import Lifecycle, OnStart
from jupyter_flotilla.testing.fake_ecs.queue import Queue, Queues
from jupyter_flotilla.testing.fake_ecs.refusals import Json
from jupyter_flotilla.testing.fake_ecs.task import Task
from jupyter_flotilla.testing.fake_ecs.tasks import Tasks
from jupyter_flotilla.testing.fake_ecs.throttle import Throttle
from jupyter_flotilla.testing.fake_ecs.world import Settings, World

#: A script for every task, or a function from a RunTask request to one.
ScriptOrRule = Script | Callable[[Json], Script]


class FakeEcs:
    """One AWS account with ECS, SQS and what else a launcher asks, in memory.

    It is driven by real boto3 clients: `client` and `attach` put it behind botocore in this
    process, `serve` behind a URL for others. There is a cluster ``default`` with the Fargate
    capacity providers.

    Parameters
    ----------
    clock
        The time; by default one that stands still until `advance`. For fakes that other processes
        talk to: ``WallClock(speed=…)``.
    seed
        Of everything random: names, zones, faults by chance, order of events.
    settings
        How it behaves.
    script
        How tasks live and end, where `script_next` says nothing else.
    on_start
        Called with the `Task` when its program would start, while the fake's lock is held. An
        ending that it returns ends the task. See `StartOracle`.

    Examples
    --------
    >>> fake = FakeEcs()
    >>> ecs = fake.client("ecs")
    >>> _ = ecs.register_task_definition(
    ...     family="job", networkMode="awsvpc", requiresCompatibilities=["FARGATE"],
    ...     cpu="256", memory="512", containerDefinitions=[{"name": "main", "image": "python"}])
    >>> answer = ecs.run_task(
    ...     taskDefinition="job", launchType="FARGATE", clientToken="r1-1",
    ...     networkConfiguration={"awsvpcConfiguration": {"subnets": ["subnet-1"]}})
    >>> arn = answer["tasks"][0]["taskArn"]
    >>> fake.advance(30)
    >>> ecs.describe_tasks(tasks=[arn])["tasks"][0]["lastStatus"]
    'RUNNING'
    >>> fake.calls["RunTask"], fake.calls["DescribeTasks"]
    (1, 1)
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        settings: Settings | None = None,
        script: ScriptOrRule | None = None,
        on_start: OnStart | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.clock: Clock = clock or ManualClock()
        #: How tasks live and end from now on.
        self.script: ScriptOrRule = script or Script()
        #: Tasks that were ever created, by startedBy.
        self.launched: Counter[str] = Counter()
        self._lock = threading.RLock()
        self._scripts: deque[Script] = deque()
        self._session: Any = None
        self._build(seed, on_start)
        #: Requests that arrived, by action, also those that were refused or failed.
        self.calls: Counter[str] = self._desk.calls
        #: Requests that were carried out, whether or not the caller heard of it.
        self.accepted: Counter[str] = self._desk.accepted
        #: Requests that were answered with a throttle, planned ones too.
        self.throttled: Counter[str] = self._desk.throttled
        #: Requests that were spoilt by a planned fault, by the fault's name.
        self.faulted: Counter[str] = self._desk.faulted
        self.add_cluster("default")

    def _build(self, seed: int, on_start: OnStart | None) -> None:
        world = self._world = World(self.clock, seed, self.settings)
        buckets = self.settings.buckets if self.settings.throttles else {}
        throttle = Throttle(buckets, lambda: world.now)
        self._clusters = Clusters(world)
        self._definitions = Definitions(world)
        self._tasks = Tasks(world, self._clusters, self._definitions)
        self._queues = Queues(world)
        self._feed = Feed(world, self._queues)
        self._lifecycle = Lifecycle(
            world, on_change=self._feed.publish, on_stopped=self._stopped, on_start=on_start
        )
        self._launcher = Launcher(
            world, self._clusters, self._definitions, throttle,
            begin=self._begin, script=self._script_of, used_vcpu=self.used_vcpu,
        )  # fmt: skip
        self._account = Account(world, self.used_vcpu)
        #: Log streams, for tests to write.
        self.logs = Logs(world)
        self._desk = Desk(world, throttle, self._actions(), self._launcher, self._lock)

    def _actions(self) -> Mapping[tuple[str, str], Callable[[Json], Json]]:
        definitions, tasks, queues = self._definitions, self._tasks, self._queues
        return {
            ("ecs", "CreateCluster"): self._create_cluster,
            ("ecs", "DescribeClusters"): self._describe_clusters,
            ("ecs", "DescribeCapacityProviders"): self._clusters.describe_providers,
            ("ecs", "RegisterTaskDefinition"): definitions.register,
            ("ecs", "DescribeTaskDefinition"): definitions.describe,
            ("ecs", "ListTaskDefinitions"): definitions.list_arns,
            ("ecs", "DeregisterTaskDefinition"): definitions.deregister,
            ("ecs", "DeleteTaskDefinitions"): definitions.delete,
            ("ecs", "RunTask"): self._launcher.run_task,
            ("ecs", "DescribeTasks"): tasks.describe,
            ("ecs", "ListTasks"): tasks.list_arns,
            ("ecs", "StopTask"): lambda params: tasks.stop(params, self._lifecycle.end),
            ("ecs", "TagResource"): tasks.tag,
            ("ecs", "ListTagsForResource"): tasks.list_tags,
            ("sqs", "GetQueueUrl"): queues.get_url,
            ("sqs", "GetQueueAttributes"): queues.attributes,
            ("sqs", "SendMessage"): queues.send,
            ("sqs", "ReceiveMessage"): queues.receive,
            ("sqs", "DeleteMessage"): queues.delete,
            ("sqs", "DeleteMessageBatch"): queues.delete_batch,
            ("sts", "GetCallerIdentity"): self._account.identity,
            ("service-quotas", "GetServiceQuota"): self._account.quota,
            ("cloudwatch", "GetMetricStatistics"): self._account.metric_statistics,
            ("cloudwatch", "GetMetricData"): self._account.metric_data,
            ("logs", "GetLogEvents"): self.logs.get_events,
        }

    # doors

    def session(self) -> Any:
        """Return a boto3 session whose clients talk to this fake, with made-up credentials."""
        if self._session is None:
            self._session = botocore_door.new_session(self.settings.region)
            self.attach(self._session)
        return self._session

    def client(self, service: str, config: Any = None) -> Any:
        """Return a boto3 client that talks to this fake.

        Parameters
        ----------
        service
            ``ecs``, ``sqs``, ``sts``, ``service-quotas``, ``cloudwatch`` or ``logs``.
        config
            A ``botocore.config.Config``; by default botocore does not retry, so that tests see
            each fault and do not wait.
        """
        from botocore.config import Config

        return self.session().client(
            service, config=config or Config(retries={"total_max_attempts": 1})
        )

    def attach(self, session_or_client: Any) -> None:
        """Put this fake behind a boto3 session's clients to come, or behind one client."""
        found = getattr(session_or_client, "events", None) or session_or_client.meta.events
        botocore_door.attach(found, self._desk.handle)

    def serve(self) -> AbstractContextManager[str]:
        """Serve this fake on a port of 127.0.0.1 while a context lasts, which gives its URL.

        Other processes find it by ``AWS_ENDPOINT_URL``, or ``AWS_ENDPOINT_URL_ECS`` and so on.
        """
        return http_door.serve(self._desk.handle)

    # what tests do

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due in it."""
        with self._lock:
            self.clock.advance(seconds)
            self._world.catch_up()

    def plan(
        self, action: str, fault: Fault, times: int | None = 1, *, probability: float = 1.0
    ) -> None:
        """Let the next calls of an action go wrong; see `faults`.

        Parameters
        ----------
        action
            Such as ``RunTask``; ``*`` for all.
        fault
            What happens to them.
        times
            To how many of them; None: to all from now on.
        probability
            The chance of each call to be one of them.
        """
        with self._lock:
            self._desk.faults.plan(action, fault, times=times, probability=probability)

    def clear_plans(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._desk.faults.clear()

    def script_next(self, *scripts: Script) -> None:
        """Give the next tasks these scripts, one each."""
        with self._lock:
            self._scripts.extend(scripts)

    def end(self, arn: str, ending: Ending) -> None:
        """End a task now: ``fake.end(arn, spot_interrupted())``. One that has ended stays so."""
        with self._lock:
            self._world.catch_up()
            self._lifecycle.end(self._tasks.find(arn), ending)

    def task(self, arn: str) -> Task:
        """Return a task that is not forgotten yet. KeyError if it is, or never was."""
        with self._lock:
            self._world.catch_up()
            return self._tasks.find(arn)

    def tasks(self) -> list[Task]:
        """Return all tasks that are not forgotten yet, oldest first."""
        with self._lock:
            self._world.catch_up()
            return list(self._tasks)

    def used_vcpu(self, is_spot: bool = False) -> float:
        """Return how many Fargate vCPU are in use."""
        return sum(
            int(task.cpu) / 1024
            for task in self._tasks
            if task.launch_type == "FARGATE" and task.is_spot == is_spot
            and task.status != "STOPPED"
        )  # fmt: skip

    def add_cluster(self, name: str, *, ec2_providers: tuple[str, ...] = ()) -> str:
        """Create a cluster with the Fargate capacity providers and more; return its ARN."""
        with self._lock:
            self._clusters.ec2_providers += ec2_providers
            providers = [*FARGATE_PROVIDERS, *ec2_providers]
            made = self._clusters.create({"clusterName": name, "capacityProviders": providers})
            return made.arn

    def add_queue(self, name: str) -> Queue:
        """Create an SQS queue."""
        with self._lock:
            return self._queues.create(name)

    def remove_queue(self, name: str) -> None:
        """Delete an SQS queue: calls to it say that it does not exist."""
        with self._lock:
            self._queues.remove(name)

    def add_rule(
        self, queue: str, *, cluster: str | None = None, started_by_prefix: str = ""
    ) -> Rule:
        """Send events of tasks to a queue, which is created if need be.

        Parameters
        ----------
        queue
            Its name.
        cluster
            Only of this cluster.
        started_by_prefix
            Only of tasks whose ``startedBy`` begins so.
        """
        with self._lock:
            arn = None if cluster is None else self._clusters.find(cluster).arn
            rule = Rule(self._queues.create(queue), arn, started_by_prefix)
            self._feed.rules.append(rule)
            return rule

    def event(self, arn: str) -> Json:
        """Return the event that tells of a task as it is now; nothing is sent."""
        with self._lock:
            return self._feed.event(self._tasks.find(arn))

    def put_message(self, queue: str, body: str) -> None:
        """Put any message into a queue, such as an event of somebody else's."""
        with self._lock:
            self._queues.put(self._queues.find(queue), body)

    # what happens inside

    def _begin(self, task: Task) -> None:
        self._tasks.add(task)
        self.launched[task.started_by or ""] += 1
        self._lifecycle.begin(task)

    def _stopped(self, task: Task) -> None:
        self._world.after(self.settings.stopped_kept_s, lambda: self._tasks.forget(task))

    def _script_of(self, params: Json) -> Script:
        if self._scripts:
            return self._scripts.popleft()
        return self.script if isinstance(self.script, Script) else self.script(params)

    def _create_cluster(self, params: Json) -> Json:
        return {"cluster": self._clusters.create(params).describe(0, 0)}

    def _describe_clusters(self, params: Json) -> Json:
        found, failures = self._clusters.look_up(params.get("clusters", []))
        shown = []
        for cluster in found:
            states = Counter(task.status for task in self._tasks if task.cluster_arn == cluster.arn)
            pending = states["PROVISIONING"] + states["PENDING"]
            shown.append(cluster.describe(states["RUNNING"], pending))
        return {"clusters": shown, "failures": failures}
