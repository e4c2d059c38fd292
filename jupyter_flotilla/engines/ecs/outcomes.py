"""What ECS means: by a task that has stopped, by a launch that was refused. Pure.

The user's own word, ``exit.json``, counts before all of this; it is for tasks that left none.
Signals and their meaning: "Stopped tasks error codes", "API failure reasons" and `Stop code` of
docs.aws.amazon.com/AmazonECS/latest/developerguide, read 2026-10, and texts that public issues
quote. None of it was seen on a real account.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from jupyter_flotilla.engines.ecs.start_failures import start_failure
from jupyter_flotilla.engines.ecs.throttle import is_throttle_answer
from jupyter_flotilla.engines.ecs.verdict import QUOTA_STEP, Verdict, quoted
from jupyter_flotilla.model.observation import Again, FailureKind
from jupyter_flotilla.model.resources import INCLUDED_DISK_GIB, MAX_DISK_GIB

__all__ = ["Verdict", "refused", "rejected", "stopped"]

#: Above this share of its memory a container that was killed had most likely none left.
_FULL = 0.9
#: Of `runner.container` and `bootstrap.start` (sysexits.h).
_TAMPERED, _NO_ROOM, _NOT_UPLOADED, _NO_INPUT, ALREADY_STARTED = 65, 72, 73, 74, 75
#: Of a shell: no such program, or none that can be executed.
_NO_PROGRAM = (126, 127)
_ABORTED, _KILLED, _SEGMENT, _TERMINATED = 134, 137, 139, 143
_OOM = re.compile(r"OutOfMemory|killed due to memory usage", re.IGNORECASE)
_SPOT = re.compile(r"SpotInterruption|spot task was interrupted|spot interruption", re.IGNORECASE)
_HOST_LOST = re.compile(r"Host EC2 \(instance .*?\) (?:stopped|terminated)", re.IGNORECASE)
_NO_CAPACITY = re.compile(r"capacity is unavailable|RESOURCE:\w+", re.IGNORECASE)
#: AWS writes a typographic apostrophe in "You've"; it is left out.
_QUOTA_IN_USE = re.compile(r"reached the limit on the number of (?:vCPUs|tasks)", re.IGNORECASE)
_ABOVE_QUOTA = re.compile(r"configuration is above your limit", re.IGNORECASE)
_PROVISIONING = re.compile(
    r"(?=.*\bPROVISIONING\b)(?=.*(?i:limit|quota|maximum|too many|concurrent))", re.DOTALL
)


def stopped(
    task: Mapping[str, Any],
    *,
    stop_asked: bool,
    peak_fraction: float | None,
    container: str | None = None,
    lease_arn: str | None = None,
) -> Verdict:
    """Return what it means that a task has stopped and left no word of its own.

    Parameters
    ----------
    task
        An entry of DescribeTasks, or ``detail`` of its event, with ``lastStatus`` STOPPED.
    stop_asked
        Whether we have sent StopTask.
    peak_fraction
        The most memory that was seen in use, as a share of the limit; None: nobody looked.
    container
        Name of the job's container; None: the first.
    lease_arn
        ARN of the task that holds the attempt's lease, where it is another.
    """
    mine, said = _container(task, container), _said(task, container)
    exit_code = mine.get("exitCode")
    if stop_asked:
        return Verdict(outcome="cancelled", message=f"Cancelled. {quoted(said)}".strip())
    if (verdict := cut_off(task, container=container)) is not None:
        return verdict
    if (verdict := _not_started(task, said)) is not None:
        return _with_disk(verdict, task)
    if exit_code is None:
        return Verdict(
            failure_kind=FailureKind.INFRASTRUCTURE,
            again=Again.FREE,
            message=f"Its task has stopped without an exit code. {quoted(said)}".strip(),
        )
    return _with_disk(_exited(int(exit_code), said, peak_fraction, lease_arn), task)


def _with_disk(verdict: Verdict, task: Mapping[str, Any]) -> Verdict:
    """Return a verdict on a disk that was full with what to ask for, by what it had."""
    if verdict.again is not Again.DISK:
        return verdict
    if task.get("launchType") == "EC2":  # which all jobs of a machine share
        return replace(verdict, next_step="fewer or smaller files, or a smaller image")
    had_gib = int((task.get("ephemeralStorage") or {}).get("sizeInGiB") or INCLUDED_DISK_GIB)
    if had_gib >= MAX_DISK_GIB:
        step = f"fewer or smaller files: no task has a disk of more than {MAX_DISK_GIB} GiB"
    else:
        step = f"--disk {min(MAX_DISK_GIB, max(100, 2 * had_gib))}G"
    return replace(verdict, next_step=step)


def cut_off(task: Mapping[str, Any], *, container: str | None = None) -> Verdict | None:
    """Return what of its end only ECS can know; None: the job ended by itself, or never began.

    Spot that was taken back, a machine that went away, a stop by somebody else, a kill for memory.
    It counts for a job that has recorded its own end too, but not why it was stopped.
    """
    code, said = str(task.get("stopCode") or ""), _said(task, container)
    if code == "SpotInterruption" or _SPOT.search(said):
        return Verdict(
            failure_kind=FailureKind.SPOT_RECLAIMED,
            again=Again.SPOT,
            message=f"AWS took back the Spot capacity that it ran on. {quoted(said)}".strip(),
        )
    if (verdict := _from_outside(code, said)) is not None:
        return verdict
    if _OOM.search(said):
        return _out_of_memory(f"Out of memory: ECS killed its container. {quoted(said)}")
    return None


def refused(failures: Sequence[Mapping[str, Any]]) -> Verdict:
    """Return what RunTask means that answers with ``failures`` and no task.

    On EC2 there is one for each instance: that one of them may have room later is what counts.
    """
    if not failures:
        return _unknown("RunTask has started nothing and said nothing of why")
    verdicts = [_refusal(str(f.get("reason") or ""), str(f.get("detail") or "")) for f in failures]
    order = [Again.HOLD, Again.CAPACITY, Again.FREE, Again.NEVER]
    return min(verdicts, key=lambda verdict: order.index(verdict.again))


def rejected(code: str, message: str) -> Verdict:
    """Return what an error of RunTask means.

    Parameters
    ----------
    code
        AWS's word; empty where there was no answer (time-out, connection reset).
    message
        AWS's sentence.
    """
    said = quoted(message)
    if is_throttle_answer({"Error": {"Code": code, "Message": message}}):
        return Verdict(
            failure_kind=FailureKind.INFRASTRUCTURE, again=Again.SAME_TOKEN,
            message=f"AWS takes no more launches just now ({code}). {said}",
        )  # fmt: skip
    if not code or code in _MAY_BE_DONE:
        return _unknown(f"RunTask has no answer ({code or 'none'}). {said}")
    if (verdict := _short_of(message)) is not None:
        return verdict
    if code in _EXPIRED:
        return Verdict(
            failure_kind=FailureKind.INFRASTRUCTURE, again=Again.SAME_TOKEN,
            message=f"The AWS login has expired ({code}). {said}",
            next_step="aws sso login, or renew the keys",
        )  # fmt: skip
    step = _CONFIGURATION.get(code, "jupyter flotilla doctor --engine ecs")
    return Verdict(
        failure_kind=FailureKind.ENVIRONMENT, again=Again.NEVER,
        message=f"ECS refuses the launch ({code}). {said}", next_step=step,
    )  # fmt: skip


#: AWS's own trouble: what was asked may have been done. A conflict is a launch that was.
_MAY_BE_DONE = {"ServerException", "InternalFailure", "InternalError", "ServiceUnavailable",
                "ServiceUnavailableException", "RequestTimeout", "RequestTimeoutException",
                "ConflictException", "500", "502", "503", "504"}  # fmt: skip
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
#: Code of a launch that will never be taken → what to do.
_CONFIGURATION = {
    "InvalidParameterException": "see which setting is wrong: jupyter flotilla doctor --engine ecs",
    "AccessDeniedException": "have ecs:RunTask and iam:PassRole allowed: jupyter flotilla "
    "setup-aws --plan prints the policy",
    "ClusterNotFoundException": "set ecs.cluster and region in flotilla.toml, or make one: jupyter "
    "flotilla setup-aws",
    "UnsupportedFeatureException": "leave out what this region or platform does not have",
    "PlatformUnknownException": "leave the platform version out: LATEST is right",
    "PlatformTaskDefinitionIncompatibilityException": "--engine ecs needs platform version 1.4.0",
    "BlockedException": "AWS has blocked this account: look into its e-mail, or ask AWS Support",
}


def _container(task: Mapping[str, Any], name: str | None) -> Mapping[str, Any]:
    found: Sequence[Mapping[str, Any]] = task.get("containers") or ()
    named = [one for one in found if name is None or one.get("name") == name]
    return (named or list(found) or [{}])[0]


def _said(task: Mapping[str, Any], container: str | None) -> str:
    """Return the reasons that ECS gives for a task and its container."""
    reasons = (task.get("stoppedReason"), _container(task, container).get("reason"))
    # of an image that cannot be pulled both have the same words
    return " ".join(dict.fromkeys(str(reason) for reason in reasons if reason))


def _from_outside(code: str, said: str) -> Verdict | None:
    """Return what it means that somebody else has stopped a task; None: nobody has."""
    if code == "UserInitiated":
        return Verdict(
            failure_kind=FailureKind.LOST, again=Again.NEVER,
            message=f"It was stopped outside of Flotilla. {quoted(said)}".strip(),
        )  # fmt: skip
    if code == "ServiceSchedulerInitiated":
        return Verdict(
            failure_kind=FailureKind.LOST, again=Again.NEVER,
            message=f"A service of the cluster stopped it, which is none of Flotilla's. "
            f"{quoted(said)}".strip(),
        )  # fmt: skip
    if code in ("TerminationNotice", "InfrastructureHealth") or _HOST_LOST.search(said):
        return Verdict(
            failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
            message=f"The machine that it ran on went away ({code}). {quoted(said)}".strip(),
        )  # fmt: skip
    return None


def _not_started(task: Mapping[str, Any], said: str) -> Verdict | None:
    """Return why a task's container has never begun; None: it has."""
    if (verdict := _short_of(said)) is not None:
        return verdict
    if (verdict := start_failure(said)) is not None:
        return verdict
    if task.get("stopCode") != "TaskFailedToStart":
        return None
    if not task.get("containers"):
        return _no_capacity(f"No machine has taken it. {quoted(said)}".strip())
    # user code has not begun, and the reason is none that would stay
    return Verdict(
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
        message=f"Its task has not started. {quoted(said)}".strip(),
    )  # fmt: skip


def _exited(code: int, said: str, peak_fraction: float | None, lease_arn: str | None) -> Verdict:
    known = _EXITS.get(code)
    if known is not None:
        kind, again, message, step = known
        return Verdict(
            failure_kind=kind,
            again=again,
            message=f"{message} {quoted(said)}".strip(),
            next_step=step,
        )
    if code == ALREADY_STARTED:
        holder = f": {lease_arn}" if lease_arn else ""
        return Verdict(
            failure_kind=FailureKind.LOST, again=Again.NEVER,
            message=f"Another task has begun this attempt before it{holder}.",
            next_step=f"look at that task: aws ecs describe-tasks --tasks {lease_arn}"
            if lease_arn else None,
        )  # fmt: skip
    if code == _KILLED:
        return _killed(said, peak_fraction)
    if code in _NO_PROGRAM:
        return Verdict(
            failure_kind=FailureKind.IMAGE, again=Again.NEVER,
            message=f"The image cannot run jobs: it has no shell or no Python (exit code {code}). "
            f"{quoted(said)}".strip(),
            next_step="--image with Python 3.8 or later in it",
        )  # fmt: skip
    what = {_SEGMENT: "It crashed (segmentation fault)", _ABORTED: "It crashed (abort)",
            _TERMINATED: "It was terminated, not by Flotilla"}  # fmt: skip
    return Verdict(
        failure_kind=FailureKind.USER_ERROR, again=Again.USER,
        message=f"{what.get(code, 'It failed')}: exit code {code}. {quoted(said)}".strip(),
    )  # fmt: skip


_Known = tuple[FailureKind, Again, str, str | None]
#: Exit code → what it says.
_EXITS: Mapping[int, _Known] = {
    0: (FailureKind.LOST, Again.NEVER,
        "It ended well, but its results and its record never came.", None),
    _TAMPERED: (FailureKind.ENVIRONMENT, Again.NEVER,
                "What it found in the bucket is not what was sent.", None),
    _NO_ROOM: (FailureKind.ENVIRONMENT, Again.DISK,
               "Its disk is too small for its files.", None),
    _NO_INPUT: (FailureKind.ENVIRONMENT, Again.FREE,
                "It could not get its files from the bucket.",
                "jupyter flotilla doctor --engine ecs, if it goes on: task role, bucket, network"),
    _NOT_UPLOADED: (FailureKind.ENVIRONMENT, Again.NEVER,
                    "The job has ended, but the bucket did not take its results.",
                    "jupyter flotilla doctor --engine ecs"),
}  # fmt: skip


def _killed(said: str, peak_fraction: float | None) -> Verdict:
    """Return what SIGKILL means that was not ours: mostly memory, if that was nearly used up."""
    seen = "" if peak_fraction is None else f" at {peak_fraction:.0%} of its memory"
    message = f"It was killed{seen} (exit code {_KILLED}). {quoted(said)}".strip()
    if peak_fraction is not None and peak_fraction > _FULL:
        return _out_of_memory(f"Most likely out of memory. {message}")
    return Verdict(failure_kind=FailureKind.LOST, again=Again.NEVER, message=message)


def _out_of_memory(message: str) -> Verdict:
    return Verdict(failure_kind=FailureKind.OUT_OF_MEMORY, again=Again.OOM, message=message)


def _refusal(reason: str, detail: str) -> Verdict:
    said = " ".join(filter(None, (reason, detail)))
    if (verdict := _short_of(said)) is not None:
        return verdict
    if reason.startswith("AGENT"):
        return Verdict(
            failure_kind=FailureKind.INFRASTRUCTURE, again=Again.FREE,
            message=f"The agent of the cluster's machine does not answer. {quoted(said)}",
        )  # fmt: skip
    if reason.startswith("ATTRIBUTE"):
        return Verdict(
            failure_kind=FailureKind.ENVIRONMENT, again=Again.NEVER,
            message=f"No machine of the cluster has what it needs: {quoted(detail or reason)}",
            next_step="a capacity provider whose machines have that attribute",
        )  # fmt: skip
    return Verdict(
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.NEVER,
        message=f"ECS refuses the launch. {quoted(said)}",
        next_step="jupyter flotilla doctor --engine ecs",
    )  # fmt: skip


def _short_of(said: str) -> Verdict | None:
    """Return which of capacity and quota is lacking; None: neither is."""
    if _ABOVE_QUOTA.search(said):
        return Verdict(
            failure_kind=FailureKind.QUOTA, again=Again.NEVER,
            message=f"It is larger than the account's quota. {quoted(said)}", next_step=QUOTA_STEP,
        )  # fmt: skip
    if _QUOTA_IN_USE.search(said) or _PROVISIONING.match(said):
        step = QUOTA_STEP if _QUOTA_IN_USE.search(said) else None
        return Verdict(
            failure_kind=FailureKind.QUOTA, again=Again.HOLD,
            message=f"The account's quota is in use. {quoted(said)}", next_step=step,
        )  # fmt: skip
    if _NO_CAPACITY.search(said):
        return _no_capacity(f"There is no capacity for it just now. {quoted(said)}")
    return None


def _no_capacity(message: str) -> Verdict:
    return Verdict(
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.CAPACITY, message=message,
        next_step="a smaller --cpu or --memory, --no-spot, or subnets in more availability zones",
    )  # fmt: skip


def _unknown(message: str) -> Verdict:
    return Verdict(
        failure_kind=FailureKind.INFRASTRUCTURE, again=Again.SAME_TOKEN, message=message.strip()
    )
