"""Finds the task of a launch that is too old to be sent again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from jupyter_flotilla.engines.ecs.definition import family_of
from jupyter_flotilla.engines.ecs.observe import BATCH, Caller
from jupyter_flotilla.model.attempt import number_of


def find_task(
    aws: Caller,
    request: Mapping[str, Any],
    lease_of: Callable[[str, int], Mapping[str, Any] | None],
    run_id: str,
) -> str | None:
    """Return the ARN of the task that a request has started; None where none can be found.

    Looked for among what runs, then in the lease that its container took, then among what has
    stopped in the last hour, which ECS still knows.

    Parameters
    ----------
    request
        As it was sent.
    lease_of
        Returns the lease of an attempt of a run.

    Raises
    ------
    AwsError, ArtifactsUnavailable
    """
    cluster, started_by = request["cluster"], request["startedBy"]
    # startedBy may be the only filter, and finds what runs only (ecs ListTasks, ibid.)
    running = aws.call("ecs", "ListTasks", cluster=cluster, startedBy=started_by)["taskArns"]
    if running:
        return str(running[0])
    lease = lease_of(run_id, number_of(str(request["clientToken"])))
    if lease is not None and lease.get("task"):
        return str(lease["task"])
    family = family_of(str(request["taskDefinition"]))
    for arns in _stopped(aws, cluster, family):
        answer = aws.call("ecs", "DescribeTasks", cluster=cluster, tasks=list(arns))
        for task in answer.get("tasks", ()):
            if task.get("startedBy") == started_by:
                return str(task["taskArn"])
    return None


def is_listed(aws: Caller, cluster: str, started_by: str, arn: str) -> bool:
    """Say whether ECS lists a task among what runs; raises AwsError.

    Parameters
    ----------
    started_by
        Of that task, which others may share: all ticks of a schedule have one.
    """
    found = aws.call("ecs", "ListTasks", cluster=cluster, startedBy=started_by)["taskArns"]
    return arn in found


def _stopped(aws: Caller, cluster: str, family: str) -> Iterator[Sequence[str]]:
    token: dict[str, str] = {}
    while True:
        page = aws.call(
            "ecs", "ListTasks", cluster=cluster, family=family, desiredStatus="STOPPED",
            maxResults=BATCH, **token,
        )  # fmt: skip
        if page["taskArns"]:
            yield page["taskArns"]
        if not page.get("nextToken"):
            return
        token = {"nextToken": page["nextToken"]}
