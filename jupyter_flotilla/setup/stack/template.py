"""The stack's template, as data.

It is built here and not kept as a file: what is reused is left out, each owner has a role and each
home a queue, and the policies in it are the ones that are printed and tested. CloudFormation takes
JSON, so no YAML library is needed.
"""

from typing import Any

from jupyter_flotilla.engines.ecs.install import STARTED_BY
from jupyter_flotilla.setup.stack import machines, policies, schedules
from jupyter_flotilla.setup.stack.site import Member, Site, logical

Resources = dict[str, dict[str, Any]]

#: Key of what the stack remembers, in its template's metadata.
METADATA = "Flotilla"
LOG_DAYS = 14
#: Unfinished uploads are paid for like files; none goes on for a week.
_ABORT_DAYS = 7
#: The longest that SQS keeps a message (docs.aws.amazon.com/AWSSimpleQueueService/latest/
#: SQSDeveloperGuide/quotas-messages.html, read 2026-11), and how often it hands one out before
#: that is set aside.
_EVENT_S, _RECEIVES = 14 * 86_400, 5


def template(site: Site) -> dict[str, Any]:
    """Return the whole template of a set-up."""
    resources: Resources = {}
    if "cluster" not in site.reuse:
        resources["Cluster"] = _cluster(site)
    if "bucket" not in site.reuse:
        resources |= _bucket(site)
    if "log-group" not in site.reuse:
        resources["LogGroup"] = _log_group(site)
    if not site.security_groups:
        resources["SecurityGroup"] = _security_group(site)
    resources |= _roles(site)
    for member in site.everyone():
        resources |= _feed(site, member)
    resources |= schedules.resources(site)
    resources |= machines.resources(site)
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Flotilla: notebooks, cells and commands as tasks of ECS",
        "Metadata": {METADATA: site.remembered()},
        "Resources": resources,
        "Outputs": _outputs(site, resources),
    }


def _cluster(site: Site) -> dict[str, Any]:
    # not by ClusterCapacityProviderAssociations: changing from one way to the other fails
    # (aws-cdk#15366), and adding to this list is an update without interruption
    of_machines = [] if site.machines is None else [{"Ref": machines.PROVIDER}]
    return _made(
        "ECS::Cluster",
        ClusterName=site.cluster,
        CapacityProviders=["FARGATE", "FARGATE_SPOT", *of_machines],
        DefaultCapacityProviderStrategy=[{"CapacityProvider": "FARGATE", "Weight": 1}],
        # metrics of each container are billed
        ClusterSettings=[{"Name": "containerInsights", "Value": "disabled"}],
    )


def _bucket(site: Site) -> Resources:
    expiry = [
        {
            "Id": logical("Expire", f"{owner}/{kind}"), "Status": "Enabled",
            "Prefix": f"{owner}/{kind}/", "ExpirationInDays": site.expire_days,
        }
        for owner in site.owners() for kind in ("runs", "blobs", "ticks")
    ]  # fmt: skip
    abort = {
        "Id": "AbortUploads", "Status": "Enabled",
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": _ABORT_DAYS},
    }  # fmt: skip
    bucket = _made(
        "S3::Bucket",
        BucketName=site.bucket,
        BucketEncryption={"ServerSideEncryptionConfiguration": [_encryption(site)]},
        PublicAccessBlockConfiguration=dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"),
            True,
        ),
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        LifecycleConfiguration={"Rules": [*expiry, abort]},
    )
    # a bucket with files in it cannot be deleted anyway: 'setup-aws --remove' asks, and empties it
    bucket |= {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}
    refused = {
        "Sid": "RefusePlainHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [site.bucket_arn, f"{site.bucket_arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    policy = _made(
        "S3::BucketPolicy",
        Bucket={"Ref": "Bucket"},
        PolicyDocument={"Version": "2012-10-17", "Statement": [refused]},
    )
    return {"Bucket": bucket, "BucketPolicy": policy}


def _encryption(site: Site) -> dict[str, Any]:
    if site.kms_key is None:
        return {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": site.kms_key}
    # one request to KMS for many files, not one for each
    return {"ServerSideEncryptionByDefault": default, "BucketKeyEnabled": True}


def _log_group(site: Site) -> dict[str, Any]:
    group = _made("Logs::LogGroup", LogGroupName=site.log_group, RetentionInDays=LOG_DAYS)
    return group | {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"}


def _security_group(site: Site) -> dict[str, Any]:
    ways = [{"CidrIp": "0.0.0.0/0"}, {"CidrIpv6": "::/0"}]
    return _made(
        "EC2::SecurityGroup",
        GroupDescription=f"Tasks of {site.stack}: nothing comes in",
        VpcId=site.vpc,
        SecurityGroupEgress=[way | {"IpProtocol": "-1"} for way in ways],
    )


def _roles(site: Site) -> Resources:
    roles: Resources = {
        schedules.role_of(owner): _role(
            site, site.scheduler_role_name(owner), policies.scheduler(site, owner),
            policies.SCHEDULER,
        )
        for owner in site.owners()
    }  # fmt: skip
    if "execution-role" not in site.reuse:
        roles["ExecutionRole"] = _role(site, site.execution_role_name, policies.execution(site))
    if "role" not in site.reuse:
        for owner in site.owners():
            role = _role(site, site.task_role_name(owner), policies.task(site, owner))
            roles[logical("TaskRole", owner)] = role
    return roles


def _role(
    site: Site, name: str, policy: policies.Policy, service: str = "ecs-tasks.amazonaws.com"
) -> dict[str, Any]:
    role = _made(
        "IAM::Role",
        RoleName=name,
        AssumeRolePolicyDocument=policies.trust(site, service),
        Policies=[{"PolicyName": "flotilla", "PolicyDocument": policy}],
    )
    if site.permissions_boundary is not None:
        role["Properties"]["PermissionsBoundary"] = site.permissions_boundary
    return role


def _feed(site: Site, member: Member) -> Resources:
    """Return what brings the events of one home's tasks to its queue."""
    install = member.install
    queue, aside = logical("Queue", install), logical("DeadLetters", install)
    rule, policy = logical("Rule", install), logical("QueuePolicy", install)
    kept = {"DeletionPolicy": "Delete", "UpdateReplacePolicy": "Delete"}
    name = site.queue_name(install)
    pattern = {
        "source": ["aws.ecs"],
        "detail-type": ["ECS Task State Change"],
        "detail": {
            "clusterArn": [site.cluster_arn],
            "startedBy": [{"prefix": STARTED_BY.format(install=install)}],
        },
    }
    put = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": _arn(queue),
        "Condition": {"ArnEquals": {"aws:SourceArn": site.rule_arn(install)}},
    }  # fmt: skip
    return {
        aside: kept | _made(
            "SQS::Queue", QueueName=f"{name}-unread", MessageRetentionPeriod=_EVENT_S,
            SqsManagedSseEnabled=True,
        ),
        queue: kept | _made(
            "SQS::Queue", QueueName=name, MessageRetentionPeriod=_EVENT_S,
            SqsManagedSseEnabled=True,
            RedrivePolicy={"deadLetterTargetArn": _arn(aside), "maxReceiveCount": _RECEIVES},
        ),
        policy: _made(
            "SQS::QueuePolicy", Queues=[{"Ref": queue}],
            PolicyDocument={"Version": "2012-10-17", "Statement": [put]},
        ),
        rule: _made(
            "Events::Rule", Name=site.rule_name(install), EventPattern=pattern, State="ENABLED",
            Description=f"Tasks that {member.owner}'s home {install} has started",
            Targets=[{"Id": "queue", "Arn": _arn(queue)}],
        ),
    }  # fmt: skip


def _outputs(site: Site, resources: Resources) -> dict[str, Any]:
    values: dict[str, Any] = {
        "Cluster": site.cluster,
        "Bucket": site.bucket,
        "LogGroup": site.log_group,
        "ExecutionRole": site.execution_role_arn,
        "TaskRole": site.task_role_template,
    }
    if "SecurityGroup" in resources:
        values["SecurityGroup"] = {"Fn::GetAtt": ["SecurityGroup", "GroupId"]}
    for member in site.everyone():
        values[f"Queue{member.install}"] = {"Ref": logical("Queue", member.install)}
    values |= schedules.outputs(site)
    return {name: {"Value": value} for name, value in values.items()}


def _arn(name: str) -> dict[str, Any]:
    return {"Fn::GetAtt": [name, "Arn"]}


def _made(kind: str, **properties: Any) -> dict[str, Any]:
    """Return a resource; its properties have the names of CloudFormation."""
    return {"Type": f"AWS::{kind}", "Properties": properties}
