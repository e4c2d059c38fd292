"""Doctor's looks at the account: who asks, with which clock, and what the quota and IAM allow."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from jupyter_flotilla.ecs_settings import EcsRole
from jupyter_flotilla.engines.ecs.account import Account, AwsError
from jupyter_flotilla.setup.finding import Finding

#: AWS refuses what was signed more than five minutes ago, S3 after fifteen.
_SKEW_S = 240.0
_VCPUS = "L-3032A538"
#: vCPU of the smallest task.
_SMALLEST = 0.25
_TASKS = "ecs-tasks.amazonaws.com"


def who(account: Account, now: datetime) -> Iterator[Finding]:
    """Look who asks, and how far this clock is from AWS's."""
    answer = account.call("sts", "GetCallerIdentity")
    yield Finding(
        name="aws credentials", ok=True,
        message=f"{answer['Arn']} in account {answer['Account']}, region {account.region}",
    )  # fmt: skip
    date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    try:
        ahead_s = (now - parsedate_to_datetime(str(date))).total_seconds()
    except (ValueError, TypeError):
        yield Finding(name="clock", ok=False, is_unknown=True, message="AWS did not say its time")
        return
    words = f"{abs(ahead_s):.0f} s {'ahead of' if ahead_s > 0 else 'behind'} AWS's"
    yield Finding(
        name="clock", ok=abs(ahead_s) < _SKEW_S,
        message="as AWS's" if abs(ahead_s) < 2 else words,  # its header has whole seconds
        next_step="sudo timedatectl set-ntp true (or sudo chronyc makestep)",
    )  # fmt: skip


def quota(account: Account) -> Iterator[Finding]:
    """Look how many vCPUs of Fargate the account may have at a time."""
    try:
        answer = account.call(
            "service-quotas", "GetServiceQuota", ServiceCode="fargate", QuotaCode=_VCPUS
        )
    except AwsError as error:  # whatever it is, jobs need no answer
        yield Finding(
            name="quota", ok=False, is_unknown=True, message=error.message,
            next_step=error.next_step,
        )  # fmt: skip
        return
    value = float(answer["Quota"]["Value"])
    yield Finding(
        name="quota", ok=value >= _SMALLEST, message=f"{value:g} vCPU of Fargate at a time",
        next_step=f"https://{account.region}.console.aws.amazon.com/servicequotas/home/services/"
        f"fargate/quotas/{_VCPUS}",
    )  # fmt: skip


def roles(account: Account, role: EcsRole) -> Iterator[Finding]:
    """Look whether both roles are there, and ECS may be them."""
    for name, arn in _both(role):
        if arn is None:
            yield Finding(
                name=name, ok=False, message="is not set",
                next_step=f"jupyter flotilla setup-aws --apply, or ecs.{name.replace(' ', '_')}",
            )  # fmt: skip
        else:
            yield _role(account, name, arn)


def passing(account: Account, role: EcsRole) -> Iterator[Finding]:
    """Look whether whoever asks may pass both roles to tasks."""
    source = _principal(account.identity().arn)
    if source is None:
        yield Finding(name="pass roles", ok=True, message="the account's root user may")
        return
    context = {
        "ContextKeyName": "iam:PassedToService", "ContextKeyType": "string",
        "ContextKeyValues": [_TASKS],
    }  # fmt: skip
    arns = [arn for _, arn in _both(role) if arn]
    found = account.call(
        "iam", "SimulatePrincipalPolicy", PolicySourceArn=source, ActionNames=["iam:PassRole"],
        ResourceArns=arns, ContextEntries=[context],
    )["EvaluationResults"]  # fmt: skip
    refused = [one["EvalResourceName"] for one in found if one["EvalDecision"] != "allowed"]
    yield Finding(
        name="pass roles", ok=not refused,
        message=f"{source} may not pass {', '.join(refused)}" if refused else "may be passed",
        next_step="allow iam:PassRole; 'jupyter flotilla setup-aws --plan' prints the policy",
    )  # fmt: skip


def _both(role: EcsRole) -> list[tuple[str, str | None]]:
    return [("execution role", role.execution_role), ("task role", role.task_role)]


def _role(account: Account, name: str, arn: str) -> Finding:
    step = "jupyter flotilla setup-aws --apply, or mind its spelling in flotilla.toml"
    try:
        found = account.call("iam", "GetRole", RoleName=arn.rpartition("/")[2])["Role"]
    except AwsError as error:
        if error.aws_code not in ("NoSuchEntity", "NoSuchEntityException"):
            raise
        return Finding(name=name, ok=False, message=f"there is no {arn}", next_step=step)
    trusted = str(found.get("AssumeRolePolicyDocument", ""))
    if found["Arn"] != arn:
        return Finding(
            name=name, ok=False, message=f"{arn} is {found['Arn']} in this account", next_step=step
        )
    return Finding(
        name=name, ok=_TASKS in trusted,
        message=arn if _TASKS in trusted else f"{arn} does not trust {_TASKS}",
        next_step=f"let {_TASKS} be it in its trust policy",
    )  # fmt: skip


def _principal(arn: str) -> str | None:
    """Return whose policies count for whoever asks; None: the root user's, who has all.

    A session's ARN is no principal's; the role's path is not in it, so for a role with a path the
    answer is that there is none.
    """
    if arn.endswith(":root"):
        return None
    head, _, rest = arn.partition(":assumed-role/")
    if not rest:
        return arn
    return f"{head.replace(':sts:', ':iam:')}:role/{rest.partition('/')[0]}"


def definition(account: Account, role: EcsRole) -> Iterator[Finding]:
    """Register a small definition, which says more than any look; take it back if we may."""
    container: dict[str, Any] = {"name": "doctor", "image": "python:3-slim", "command": ["true"]}
    asked: dict[str, Any] = {"executionRoleArn": role.execution_role, "taskRoleArn": role.task_role}
    made = account.call(
        "ecs", "RegisterTaskDefinition", family="flotilla-doctor", networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[container], **{key: arn for key, arn in asked.items() if arn},
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    with suppress(AwsError):  # not among what a submitter needs; one that is left costs nothing
        account.call("ecs", "DeregisterTaskDefinition", taskDefinition=made)
    yield Finding(name="definition", ok=True, message="can be registered, with both roles")
