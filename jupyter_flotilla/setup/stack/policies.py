"""IAM policies: what a job, ECS, the scheduler, a data scientist and an administrator may do.

Every action is named; ``*`` as a resource stands only where `UNSCOPED` says why.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_flotilla.engines.ecs.gpu import quota_of
from jupyter_flotilla.setup.stack.site import Site

Policy = dict[str, Any]

#: Actions that have no resource to name, and why
#: (docs.aws.amazon.com/service-authorization/latest/reference, read 2026-11 in cfn-lint's copy).
UNSCOPED: Mapping[str, str] = {
    "ecs:DescribeTaskDefinition": "AWS has no resource level for it",
    "ecs:ListTasks": "its resource is a container instance, which Fargate has none of; the "
    "condition names the cluster",
    "ecr:GetAuthorizationToken": "the login is to the whole registry",
    "pricing:GetProducts": "public prices",
    "cloudwatch:GetMetricStatistics": "AWS has no resource level for it; counts, not contents",
    "ec2:DescribeVpcs": "AWS has no resource level for it",
    "ec2:DescribeSubnets": "AWS has no resource level for it",
    "ec2:DescribeRouteTables": "AWS has no resource level for it",
    "ec2:DescribeVpcEndpoints": "AWS has no resource level for it",
    "ec2:DescribeSecurityGroups": "AWS has no resource level for it",
    "logs:DescribeLogGroups": "AWS has no resource level for it",
    "scheduler:ListSchedules": "AWS has no resource level for it; names, not contents",
    "ecs:DiscoverPollEndpoint": "AWS has no resource level for it",
    "autoscaling:DescribeAutoScalingGroups": "AWS has no resource level for it",
    "autoscaling:DescribeScalingActivities": "AWS has no resource level for it",
    "ec2:DescribeLaunchTemplates": "AWS has no resource level for it",
    "ec2:DescribeLaunchTemplateVersions": "AWS has no resource level for it",
    "ec2:DescribeInstanceTypeOfferings": "AWS has no resource level for it",
}
_TASKS, SCHEDULER = "ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"
#: Names of all task definitions of ours begin so.
_FAMILY = "task-definition/flotilla-*:*"
#: Quotas that are looked at: vCPUs of Fargate and of Fargate Spot.
_QUOTAS = ("L-3032A538", "L-36FBB829")


def task(site: Site, owner: str) -> Policy:
    """Return what an owner's jobs may do: their files, and nothing of anybody else's.

    What a schedule starts finds its input below ``schedules/``, and leaves a mark below ``ticks/``.
    """
    own = f"{site.bucket_arn}/{owner}"
    attempts = f"{own}/runs/*/attempts/*"
    return document(
        allow("ReadOwnInput", ["s3:GetObject"], [f"{own}/runs/*", f"{own}/schedules/*"]),
        allow("WriteOwnAttempts", ["s3:PutObject", "s3:AbortMultipartUpload"], [attempts]),
        allow("MarkOwnTicks", ["s3:PutObject"], [f"{own}/ticks/*"]),
        allow("DropOldCheckpoints", ["s3:DeleteObject"], [f"{attempts}/checkpoint/*"]),
        *_of_key(site, ["kms:Decrypt", "kms:GenerateDataKey"]),
    )


def execution(site: Site) -> Policy:
    """Return what ECS itself may do for a task: get its image and secrets, write its logs."""
    return document(
        allow("LogIn", ["ecr:GetAuthorizationToken"], ["*"]),
        allow(
            "PullImages",
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            [site.arn("ecr", "repository/*")],
        ),
        allow(
            "WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"],
            [f"{site.log_group_arn}:*"],
        ),
        allow(
            "ReadSecrets", ["ssm:GetParameters", "secretsmanager:GetSecretValue"],
            [site.arn("ssm", "parameter/flotilla/*"),
             site.arn("secretsmanager", "secret:flotilla/*")],
        ),
        *_of_key(site, ["kms:Decrypt"]),
    )  # fmt: skip


def scheduler(site: Site, owner: str) -> Policy:
    """Return what EventBridge Scheduler may do for an owner: start tasks as jobs of theirs.

    A role for each owner: with one for all, whoever may make schedules could run a task as
    anybody's job, and so read anybody's files.
    """
    homes = site.homes(owner)
    return document(
        _run_task(site),
        _tag(site, ["RunTask"]),
        _pass_roles(site, owner, sorted({arn for one in homes for arn in one.roles})),
        allow(
            "KeepDroppedTicks", ["sqs:SendMessage"], [site.dropped_arn(h.install) for h in homes]
        ),
    )


def submit(site: Site) -> Policy:
    """Return what whoever submits jobs needs, for one owner and one home."""
    owner, install = site.member.owner, site.member.install
    return document(
        _run_task(site),
        allow(
            "WatchAndStop", ["ecs:DescribeTasks", "ecs:StopTask"],
            [site.arn("ecs", f"task/{site.cluster}/*")], _in_cluster(site),
        ),
        allow("FindTasks", ["ecs:ListTasks"], ["*"], _in_cluster(site)),
        allow("Define", ["ecs:RegisterTaskDefinition"], [site.arn("ecs", _FAMILY)]),
        allow("ReadDefinitions", ["ecs:DescribeTaskDefinition"], ["*"]),
        _tag(site, ["RunTask", "RegisterTaskDefinition"]),
        allow(
            "SeeCapacity",
            ["ecs:DescribeClusters", "ecs:DescribeContainerInstances",
             "ecs:DescribeCapacityProviders"],
            [site.cluster_arn, site.arn("ecs", f"container-instance/{site.cluster}/*"),
             site.arn("ecs", "capacity-provider/*")],
        ),
        _pass_roles(site, owner, site.member.roles),
        allow("SeeRoles", ["iam:GetRole"], _roles(site, owner)),
        *_files(site, owner),
        allow(
            "FindSecrets", ["secretsmanager:DescribeSecret"],
            [site.arn("secretsmanager", "secret:flotilla/*")],
        ),
        allow(
            "ReadLogs", ["logs:DescribeLogStreams", "logs:FilterLogEvents", "logs:GetLogEvents"],
            [f"{site.log_group_arn}:*"],
        ),
        allow(
            "ReadEvents",
            ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility",
             "sqs:GetQueueAttributes"],
            [site.queue_arn(install), site.dropped_arn(install)],
        ),
        allow(
            "Schedule", actions("scheduler", "CreateSchedule UpdateSchedule GetSchedule "
                                             "DeleteSchedule"),
            [site.schedules_arn(install)],
        ),
        allow(
            "PassSchedulerRole", ["iam:PassRole"], [site.scheduler_role_arn(owner)],
            {"StringEquals": {"iam:PassedToService": SCHEDULER}},
        ),
        allow(
            "SeeQuotas", ["servicequotas:GetServiceQuota"],
            [site.arn("servicequotas", f"fargate/{code}") for code in _QUOTAS]
            + quotas_of_machines(site),
        ),
        allow(
            "SeePricesUseSchedulesAndNetwork",
            ["pricing:GetProducts", "cloudwatch:GetMetricStatistics", "scheduler:ListSchedules",
             *_NETWORK],
            ["*"],
        ),
        *_of_key(site, ["kms:Decrypt", "kms:GenerateDataKey"]),
    )  # fmt: skip


def _files(site: Site, owner: str) -> list[Policy]:
    own = {"StringLike": {"s3:prefix": [owner, f"{owner}/*"]}}
    return [
        allow("ListOwnFiles", ["s3:ListBucket"], [site.bucket_arn], own),
        allow(
            "SeeBucket",
            ["s3:GetBucketLocation", "s3:GetLifecycleConfiguration",
             "s3:ListBucketMultipartUploads"],
            [site.bucket_arn],
        ),
        allow(
            "OwnFiles",
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload",
             "s3:ListMultipartUploadParts"],
            [f"{site.bucket_arn}/{owner}/*"],
        ),
    ]  # fmt: skip


_NETWORK = (
    "ec2:DescribeVpcs", "ec2:DescribeSubnets", "ec2:DescribeRouteTables",
    "ec2:DescribeVpcEndpoints", "ec2:DescribeSecurityGroups",
)  # fmt: skip


def admin(site: Site) -> Policy:
    """Return what whoever applies and removes the stack needs: once, not every day."""
    queues = [f"{site.stack}-{kind}-*" for kind in ("events", "dropped")]
    security_group = site.arn("ec2", "security-group/*")
    return document(
        allow("Stack", actions("cloudformation", _STACK), [site.arn("cloudformation",
                                                                 f"stack/{site.stack}/*")]),
        allow("Cluster", actions("ecs", _CLUSTER), [site.cluster_arn]),
        allow("FindTasks", ["ecs:ListTasks"], ["*"], _in_cluster(site)),
        allow("Bucket", actions("s3", _BUCKET), [site.bucket_arn]),
        allow(
            "EmptyBucket", actions("s3", "DeleteObject DeleteObjectVersion AbortMultipartUpload"),
            [f"{site.bucket_arn}/*"],
        ),
        allow("LogGroup", actions("logs", _LOGS), [site.log_group_arn, f"{site.log_group_arn}:*"]),
        allow("MakeRoles", actions("iam", MAKE_ROLES), _all_roles(site), bounded(site)),
        allow("Roles", actions("iam", ROLES), _all_roles(site)),
        allow(
            "RoleOfEcs", ["iam:CreateServiceLinkedRole"],
            [site.arn("iam", "role/aws-service-role/ecs.amazonaws.com/*", is_global=True)],
        ),
        allow(
            "SecurityGroup", actions("ec2", _SECURITY_GROUP),
            [security_group, site.arn("ec2", "security-group-rule/*"),
             site.arn("ec2", f"vpc/{site.vpc or '*'}")],
        ),
        allow("Queue", actions("sqs", _QUEUE), [site.arn("sqs", name) for name in queues]),
        allow("Rule", actions("events", _RULE), [site.arn("events", f"rule/{queues[0]}")]),
        # whoever deletes a group deletes what is in it ("Using identity-based policies",
        # docs.aws.amazon.com/scheduler/latest/UserGuide/
        # security_iam_id-based-policy-examples.html, read 2026-11)
        allow(
            "ScheduleGroup", actions("scheduler", _GROUP),
            [site.arn("scheduler", f"schedule-group/{site.schedule_group}"),
             site.arn("scheduler", f"schedule/{site.schedule_group}/*")],
        ),
        allow("Topic", actions("sns", _TOPIC), [site.topic_arn, f"{site.topic_arn}:*"]),
        allow(
            "Alarm", actions("cloudwatch", _ALARM),
            [site.arn("cloudwatch", f"alarm:{site.dropped_name('*')}")],
        ),
        allow("SeeAlarms", ["cloudwatch:DescribeAlarms"], [site.arn("cloudwatch", "alarm:*")]),
        allow("See", [*_NETWORK, "logs:DescribeLogGroups", "scheduler:ListSchedules"], ["*"]),
        *_of_key(site, ["kms:DescribeKey"]),
    )  # fmt: skip


_STACK = (
    "CreateChangeSet DescribeChangeSet ExecuteChangeSet DeleteChangeSet DescribeStacks "
    "DescribeStackEvents GetTemplate DeleteStack"
)
_CLUSTER = (
    "CreateCluster DeleteCluster DescribeClusters UpdateCluster PutClusterCapacityProviders "
    "TagResource UntagResource ListTagsForResource"
)
_BUCKET = (
    "CreateBucket DeleteBucket ListBucket ListBucketVersions ListBucketMultipartUploads "
    "GetBucketLocation PutEncryptionConfiguration GetEncryptionConfiguration "
    "PutBucketPublicAccessBlock GetBucketPublicAccessBlock PutBucketOwnershipControls "
    "GetBucketOwnershipControls PutLifecycleConfiguration GetLifecycleConfiguration "
    "PutBucketPolicy GetBucketPolicy DeleteBucketPolicy PutBucketTagging GetBucketTagging"
)
_LOGS = (
    "CreateLogGroup DeleteLogGroup PutRetentionPolicy TagResource UntagResource ListTagsForResource"
)
MAKE_ROLES = "CreateRole PutRolePolicy"
ROLES = (
    "DeleteRole GetRole UpdateAssumeRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies "
    "ListAttachedRolePolicies PutRolePermissionsBoundary TagRole UntagRole"
)
_SECURITY_GROUP = (
    "CreateSecurityGroup DeleteSecurityGroup AuthorizeSecurityGroupEgress "
    "RevokeSecurityGroupEgress CreateTags DeleteTags"
)
_QUEUE = (
    "CreateQueue DeleteQueue GetQueueAttributes SetQueueAttributes GetQueueUrl TagQueue "
    "UntagQueue ListQueueTags"
)
_RULE = (
    "PutRule DescribeRule DeleteRule PutTargets RemoveTargets ListTargetsByRule TagResource "
    "UntagResource ListTagsForResource"
)
_GROUP = (
    "CreateScheduleGroup GetScheduleGroup DeleteScheduleGroup DeleteSchedule TagResource "
    "UntagResource ListTagsForResource"
)
_TOPIC = (
    "CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes Subscribe Unsubscribe "
    "GetSubscriptionAttributes ListSubscriptionsByTopic GetDataProtectionPolicy TagResource "
    "UntagResource ListTagsForResource"
)
_ALARM = "PutMetricAlarm DeleteAlarms TagResource UntagResource ListTagsForResource"


def trust(site: Site, service: str = _TASKS) -> Policy:
    """Return who may act as a role: a service of AWS, for this account alone.

    The condition keeps the service from being used for another account's tasks
    (docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html, read 2026-11); the
    scheduler also from being used for schedules of another group, whose ARN is what it says, never
    a schedule's (docs.aws.amazon.com/scheduler/latest/UserGuide/
    cross-service-confused-deputy-prevention.html, as public issues of 2026-08 tell it).
    """
    equals = {"aws:SourceAccount": site.account}
    if service == SCHEDULER:
        equals["aws:SourceArn"] = site.arn("scheduler", f"schedule-group/{site.schedule_group}")
    condition: dict[str, Any] = {"StringEquals": equals}
    return document(
        {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": condition,
        }
    )


def size(policy: Policy) -> int:
    """Return how much of a managed policy's 6,144 characters it takes; white space is free."""
    return len(json.dumps(policy, separators=(",", ":")))


def _run_task(site: Site) -> Policy:
    return allow("Run", ["ecs:RunTask"], [site.arn("ecs", _FAMILY)], _in_cluster(site))


def _tag(site: Site, actions: Sequence[str]) -> Policy:
    return allow(
        "TagWhatIsMade", ["ecs:TagResource"],
        [site.arn("ecs", f"task/{site.cluster}/*"), site.arn("ecs", _FAMILY)],
        {"StringEquals": {"ecs:CreateAction": list(actions)}},
    )  # fmt: skip


def _pass_roles(site: Site, owner: str, more: Sequence[str]) -> Policy:
    condition = {"StringEquals": {"iam:PassedToService": _TASKS}}
    return allow("PassRoles", ["iam:PassRole"], [*_roles(site, owner), *more], condition)


def _roles(site: Site, owner: str) -> list[str]:
    return [site.execution_role_arn, site.task_role_arn(owner)]


def _all_roles(site: Site) -> list[str]:
    """Return all roles of the stack: others' too, whoever joins it later."""
    return [site.arn("iam", f"role/{site.role_prefix}-*", is_global=True)]


def quotas_of_machines(site: Site) -> list[str]:
    """Return ARNs of what limits how many machines with GPUs there can be."""
    quota = None if site.machines is None else quota_of(site.machines.type)
    return [] if quota is None else [site.arn("servicequotas", f"ec2/{quota[0]}")]


def bounded(site: Site) -> Policy | None:
    """Return the condition of making roles within the boundary; None: there is none."""
    boundary = site.permissions_boundary
    return {"ArnEquals": {"iam:PermissionsBoundary": boundary}} if boundary else None


def _in_cluster(site: Site) -> Policy:
    return {"ArnEquals": {"ecs:cluster": site.cluster_arn}}


def _of_key(site: Site, actions: Sequence[str]) -> list[Policy]:
    return [allow("Key", actions, [site.kms_key])] if site.kms_key else []


def actions(service: str, names: str) -> list[str]:
    """Return actions of a service, of their names with spaces."""
    return [f"{service}:{name}" for name in names.split()]


def allow(
    sid: str, actions: Sequence[str], resources: Sequence[str], condition: Policy | None = None
) -> Policy:
    """Return a statement that allows something."""
    statement: Policy = {
        "Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": list(resources),
    }  # fmt: skip
    return statement | ({"Condition": condition} if condition else {})


def document(*statements: Policy) -> Policy:
    """Return a whole policy."""
    return {"Version": "2012-10-17", "Statement": list(statements)}
