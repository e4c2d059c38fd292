"""Doctor's looks at the places of tasks: cluster, network, bucket, log group, queue."""

import uuid
from collections.abc import Iterator, Mapping

from jupyter_flotilla.artifacts.s3 import KEPT
from jupyter_flotilla.artifacts.s3_lifecycle import expire_days
from jupyter_flotilla.ecs_settings import EC2, FARGATE, EcsNetwork, EcsSettings
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.setup.finding import Finding
from jupyter_flotilla.setup.machine_group import warning
from jupyter_flotilla.setup.network import ways_out

_SET_UP = "jupyter flotilla setup-aws --apply, or mind its spelling in flotilla.toml"
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def cluster(account: Account, ecs: EcsSettings) -> Iterator[Finding]:
    """Look for the cluster, and for the capacity that jobs ask for."""
    name = str(ecs.cluster)
    found = account.call("ecs", "DescribeClusters", clusters=[name])["clusters"]
    status = found[0]["status"] if found else "not there"
    if status != "ACTIVE":
        yield Finding(
            name="cluster", ok=False, next_step=_SET_UP,
            message=f"cluster {name} in {account.region} is {status}",
        )  # fmt: skip
        return
    yield Finding(name="cluster", ok=True, message=f"{name} in {account.region}")
    if ecs.capacity == EC2:  # its own instances, in no provider
        return
    has = found[0].get("capacityProviders", [])
    needs = ["FARGATE", "FARGATE_SPOT"] if ecs.capacity == FARGATE else [ecs.capacity]
    lacks = [one for one in needs if one not in has]
    if ecs.gpu_capacity is not None:
        yield _machines(account, ecs, is_there=ecs.gpu_capacity in has)
    yield Finding(
        name="capacity", ok=not lacks,
        message=f"the cluster lacks {', '.join(lacks)}" if lacks else ", ".join(has),
        fix="capacity" if lacks and ecs.capacity == FARGATE else None,
        next_step="jupyter flotilla doctor --engine ecs --fix"
        if ecs.capacity == FARGATE else "name one of the cluster's as ecs.capacity",
    )  # fmt: skip


def _machines(account: Account, ecs: EcsSettings, *, is_there: bool) -> Finding:
    """Look whether jobs with GPUs can have their machines."""
    words, step = f"{ecs.gpu_type}, {ecs.gpu_machines} at most", None
    if not is_there:
        words, step = f"the cluster lacks {ecs.gpu_capacity}", "jupyter flotilla setup-aws --gpu"
    elif (problem := warning(account, ecs.gpu_type)) is not None:
        words, _, step = problem.partition(": ")
    return Finding(
        name="gpu", ok=step is None, is_optional=True, message=words, next_step=step
    )  # fmt: skip


def add_fargate(account: Account, ecs: EcsSettings) -> str:
    """Give the cluster Fargate's two providers, and leave it all others."""
    [found] = account.call("ecs", "DescribeClusters", clusters=[str(ecs.cluster)])["clusters"]
    has = list(found.get("capacityProviders", ()))
    account.call(
        "ecs", "PutClusterCapacityProviders", cluster=str(ecs.cluster),
        capacityProviders=[*has, *(p for p in ("FARGATE", "FARGATE_SPOT") if p not in has)],
        defaultCapacityProviderStrategy=found.get("defaultCapacityProviderStrategy", []),
    )  # fmt: skip
    return f"cluster {ecs.cluster} has FARGATE and FARGATE_SPOT"


def network(account: Account, where: EcsNetwork) -> Iterator[Finding]:
    """Look for subnets and security groups, and whether anything gets out of them."""
    asked = list(where.subnets)
    found = account.call("ec2", "DescribeSubnets", SubnetIds=asked)["Subnets"]
    vpcs = sorted({one["VpcId"] for one in found})
    missing = sorted(set(asked) - {one["SubnetId"] for one in found})
    if missing or len(vpcs) != 1:
        words = f"there is no {', '.join(missing)}" if missing else f"they are in {vpcs}"
        yield Finding(name="subnets", ok=False, message=words, next_step=_SET_UP)
        return
    ways = ways_out(account, vpcs[0], asked)
    yield _way_out(ways, where)
    if where.security_groups:
        yield from _security_groups(account, where, vpcs[0])


def _way_out(ways: Mapping[str, str | None], where: EcsNetwork) -> Finding:
    shut = sorted(subnet for subnet, way in ways.items() if way is None)
    if shut:
        return Finding(
            name="way out", ok=False,
            message=f"no gateway, NAT or endpoints for {', '.join(shut)}: images cannot be pulled",
            next_step="jupyter flotilla setup-aws --use subnets=… with public subnets, or add "
            "endpoints for ecr.api, ecr.dkr, s3 and logs",
        )  # fmt: skip
    public = sorted(subnet for subnet, way in ways.items() if way == "internet")
    if public and not where.assign_public_ip:
        return Finding(
            name="way out", ok=False, fix="public-ip",
            message=f"{', '.join(public)} go out by public addresses, and tasks get none",
            next_step="ecs.assign_public_ip = true: jupyter flotilla doctor --engine ecs --fix",
        )  # fmt: skip
    kinds = ", ".join(sorted({str(way) for way in ways.values()}))
    return Finding(name="way out", ok=True, message=f"{len(ways)} subnets, by {kinds}")


def _security_groups(account: Account, where: EcsNetwork, vpc: str) -> Iterator[Finding]:
    try:
        found = account.call(
            "ec2", "DescribeSecurityGroups", GroupIds=list(where.security_groups)
        )["SecurityGroups"]  # fmt: skip
    except AwsError as error:
        if error.aws_code != "InvalidGroup.NotFound":
            raise
        words = f"there is no {', '.join(where.security_groups)}"
        yield Finding(name="security groups", ok=False, message=words, next_step=_SET_UP)
        return
    other = [one["GroupId"] for one in found if one["VpcId"] != vpc]
    shut = [one["GroupId"] for one in found if not one.get("IpPermissionsEgress")]
    words = (
        f"{', '.join(other)} is not in {vpc}" if other else f"{', '.join(shut)} lets nothing out"
    )
    is_open = len(shut) < len(found)
    yield Finding(
        name="security groups", ok=not other and is_open, next_step=_SET_UP,
        message=words if other or not is_open else ", ".join(one["GroupId"] for one in found),
    )  # fmt: skip


def bucket(account: Account, url: str) -> Iterator[Finding]:
    """Look where the bucket is, write, read and delete in it, and when it forgets."""
    name, _, prefix = url.removeprefix("s3://").partition("/")
    prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    region = account.region
    try:
        region = bucket_region(account, url)
    except AwsError as error:
        if error.aws_code == "NoSuchBucket":
            words = f"there is no bucket {name}"
            yield Finding(name="bucket", ok=False, message=words, next_step=_SET_UP)
            return
        if error.kind != "permission":  # what follows needs none
            raise
    if region != account.region:
        yield Finding(
            name="bucket", ok=False, fix="region",
            message=f"bucket {name} is in {region}, jobs are in {account.region}: every byte would "
            "cross regions, and is billed",
            next_step=f'set region = "{region}" in flotilla.toml, or use a bucket in '
            f"{account.region}",
        )  # fmt: skip
        return
    key = f"{prefix}doctor/{uuid.uuid4().hex}"
    account.call("s3", "PutObject", Bucket=name, Key=key, Body=b"doctor")
    account.call("s3", "GetObject", Bucket=name, Key=key)["Body"].close()
    account.call("s3", "DeleteObject", Bucket=name, Key=key)
    yield Finding(name="bucket", ok=True, message=f"s3://{name}/{prefix} can be read and written")


def bucket_region(account: Account, url: str) -> str:
    """Return the region that a bucket is in; raises AwsError."""
    name = url.removeprefix("s3://").partition("/")[0]
    answer = account.call("s3", "GetBucketLocation", Bucket=name)
    place = str(answer.get("LocationConstraint") or "")
    # the two oldest regions have words of their own here
    return {"": "us-east-1", "EU": "eu-west-1"}.get(place, place)


def expiry(account: Account, url: str) -> Iterator[Finding]:
    """Look after how many days files of runs are deleted, and whether kept ones are, too."""
    name, _, prefix = url.removeprefix("s3://").partition("/")
    runs = f"{prefix.strip('/')}/runs/".lstrip("/")
    try:
        rules = account.call("s3", "GetBucketLifecycleConfiguration", Bucket=name)["Rules"]
    except AwsError as error:
        if error.aws_code != "NoSuchLifecycleConfiguration":
            raise
        rules = []
    days = expire_days(rules, runs)
    kept = f"{runs.removesuffix('runs/')}{KEPT}/runs/"
    yield Finding(
        name="expiry", ok=days is not None, is_optional=True,
        message=f"files of runs go after {days} days" if days is not None
        else f"files below {runs} stay, and are paid for, until somebody deletes them",
        next_step="jupyter flotilla setup-aws --apply, or a lifecycle rule of yours",
    )  # fmt: skip
    if (kept_days := expire_days(rules, kept)) is not None:
        yield Finding(
            name="kept results",
            ok=False,
            is_optional=True,
            message=f"what 'keep' copies to {kept} goes after {kept_days} days",
            next_step=f"a lifecycle rule for {runs} alone, not for the whole bucket",
        )


def log_group(account: Account, name: str | None) -> Iterator[Finding]:
    """Look for the log group."""
    if name is None:
        yield Finding(
            name="log group", ok=False, is_optional=True,
            message="not set: what a task prints before its runner starts is not kept",
            next_step="ecs.log_group in flotilla.toml",
        )  # fmt: skip
        return
    try:
        account.call("logs", "DescribeLogStreams", logGroupName=name, limit=1)
    except AwsError as error:
        if error.aws_code != "ResourceNotFoundException":
            raise
        yield Finding(
            name="log group", ok=False, fix="log-group", message=f"there is no {name}: no task "
            "would start", next_step="jupyter flotilla doctor --engine ecs --fix",
        )  # fmt: skip
        return
    yield Finding(name="log group", ok=True, message=name)


def add_log_group(account: Account, ecs: EcsSettings, days: int) -> str:
    """Make the log group, which forgets after so many days."""
    account.call("logs", "CreateLogGroup", logGroupName=ecs.log_group)
    account.call("logs", "PutRetentionPolicy", logGroupName=ecs.log_group, retentionInDays=days)
    return f"log group {ecs.log_group} is made, {days} days"


def schedules(ecs: EcsSettings) -> Iterator[Finding]:
    """Look whether schedules can run in the cloud."""
    needed = (ecs.scheduler_role, ecs.schedule_group, ecs.dropped_queue, ecs.alerts)
    if None in needed:
        yield Finding(
            name="cloud schedules", ok=False, is_optional=True,
            message="not set up: schedules in the cloud need it, all else works without",
            next_step="jupyter flotilla setup-aws --apply",
        )  # fmt: skip
        return
    yield Finding(name="cloud schedules", ok=True, message=f"in group {ecs.schedule_group}")


def queue(account: Account, url: str | None) -> Iterator[Finding]:
    """Look for the queue of task events."""
    if url is None:
        yield Finding(
            name="event queue", ok=False, is_optional=True,
            message="not set: tasks are asked about at intervals",
            next_step="jupyter flotilla setup-aws --apply",
        )  # fmt: skip
        return
    try:
        wanted = ["ApproximateNumberOfMessages"]
        found = account.call("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=wanted)
    except AwsError as error:
        if error.aws_code not in _NO_QUEUE:
            raise
        yield Finding(name="event queue", ok=False, message=f"there is no {url}", next_step=_SET_UP)
        return
    waiting = found["Attributes"]["ApproximateNumberOfMessages"]
    yield Finding(name="event queue", ok=True, message=f"{url}, {waiting} events in it")
