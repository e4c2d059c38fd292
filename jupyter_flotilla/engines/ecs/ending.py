"""How an attempt on ECS ended: by the job's own record, by what ECS says, and what is billed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.ecs.billing import Bill, billed, moment, pull_share
from jupyter_flotilla.engines.ecs.outcomes import ALREADY_STARTED, cut_off, stopped
from jupyter_flotilla.engines.ecs.prices import PriceList
from jupyter_flotilla.engines.ecs.verdict import Verdict
from jupyter_flotilla.engines.records import ended, going_on, record_ending, when_started
from jupyter_flotilla.model.observation import Again, Ending, FailureKind, Observation
from jupyter_flotilla.model.resources import Arch

#: In an attempt's folder: its task as ECS last described it, which it forgets after an hour.
TASK = ".task.json"
#: In an attempt's folder: why it was stopped from here, where nobody had asked for it.
OVERDUE = ".overdue.json"
#: Kind of each reason for which a job is stopped that is past its own deadline.
_OVERDUE_KINDS = {"timeout": FailureKind.TIMEOUT, "cost-cap": FailureKind.COST_CAP}


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a task's bill is reckoned with, beside its own description."""

    prices: PriceList
    asked_arch: Arch
    has_public_ipv4: bool
    #: Type of machine of ours that it was started on; None: Fargate, or none of ours.
    machine: str | None = None

    def bill(self, task: Mapping[str, Any]) -> Bill | None:
        """Return what is billed for a task so far, see `billed`."""
        return billed(
            task, utc_now(), self.prices,
            asked_arch=self.asked_arch, has_public_ipv4=self.has_public_ipv4, machine=self.machine,
        )  # fmt: skip


def keep_task(folder: Path, task: Mapping[str, Any]) -> None:
    """Keep the description of a task that has stopped; the first one stands."""
    path = folder / TASK
    if not path.exists():
        protocol.write_json(str(path), _plain(task), exclusive=True)


def kept_task(folder: Path) -> dict[str, Any] | None:
    """Return the description of a task that has stopped; None: it has not, or nobody saw it."""
    return protocol.read_json(str(folder / TASK))


def ending_of(
    folder: Path, task: Mapping[str, Any], terms: Terms, *, holder: str | None = None
) -> Observation:
    """Return how an attempt ended whose task has stopped and whose files are all here.

    Parameters
    ----------
    holder
        ARN of the task that has begun the attempt, where this one came second (`is_second`).
    """
    kept = kept_task(folder) or task
    seen = ended(folder)
    if seen is None:
        seen = _by_the_task(folder, kept, holder)
    elif seen.ending is not None and _is_from_outside(seen.ending):
        seen = _why_stopped(folder, kept, seen, seen.ending)
    assert seen.ending is not None
    bill = terms.bill(kept)
    if bill is None:
        return seen
    share = pull_share(kept, utc_now())
    update = {"billed_s": bill.billed_s, "rate": bill.rate, "pull_share": share}
    return seen.model_copy(update={"ending": seen.ending.model_copy(update=update)})


def vanished(folder: Path, arn: str, terms: Terms) -> Observation:
    """Return how an attempt ended whose task ECS does not know any more."""
    kept = kept_task(folder)
    if kept is not None:
        return ending_of(folder, kept, terms)
    seen = ended(folder)
    if seen is not None:
        return seen  # what is billed is not known exactly: its own time at the rate of the launch
    was_begun = (folder / protocol.STARTED).exists()
    what = "has begun, and left no record" if was_begun else "left no trace that it ever began"
    verdict = Verdict(
        failure_kind=FailureKind.LOST,
        message=f"ECS does not know its task any more ({arn}), which {what}.",
        again=Again.NEVER,  # it may have done all its work
    )
    # what is billed is not known: counted is the time for which it has shown signs of life
    began, last = when_started(folder), _last_sign(folder)
    lived_s = 0.0 if began is None else max(0.0, (last - began).total_seconds())
    ending = verdict.ending(ended_at=last, duration_s=lived_s)
    record_ending(folder, ending)
    return Observation(state="ended", started_at=began, ending=ending)


def _last_sign(folder: Path) -> datetime:
    """Return when the job was last heard of: when something of it came here."""
    usage = folder / protocol.USAGE
    try:
        return datetime.fromtimestamp(usage.stat().st_mtime, UTC)
    except OSError:
        return utc_now()


def _is_from_outside(ending: Ending) -> bool:
    """Say whether the job was stopped by something that ECS knows more of than its container."""
    return ending.outcome == "failed" and ending.failure_kind is FailureKind.LOST


def is_second(task: Mapping[str, Any]) -> bool:
    """Say whether a task has ended because another had begun its attempt."""
    return _exit_code(task) == ALREADY_STARTED


def _by_the_task(folder: Path, task: Mapping[str, Any], holder: str | None) -> Observation:
    """Return how ECS says that an attempt ended which has left no record, and record that."""
    now = going_on(folder)
    is_wanted = (folder / protocol.STOP_REQUEST).exists()
    of_others = None if is_wanted else _of_aws(task) or _overdue(folder)
    verdict = of_others or stopped(
        task, stop_asked=is_wanted, peak_fraction=_peak_fraction(task, now), lease_arn=holder
    )
    ended_at = moment(task.get("stoppedAt")) or utc_now()
    duration_s = 0.0
    if now.started_at is not None:
        duration_s = max(0.0, (ended_at - now.started_at).total_seconds())
    ending = verdict.ending(ended_at=ended_at, duration_s=duration_s, exit_code=_exit_code(task))
    record_ending(folder, ending)
    seen = ended(folder)  # with its last lines
    return seen or now.model_copy(update={"state": "ended", "phase": None, "ending": ending})


def _why_stopped(
    folder: Path, task: Mapping[str, Any], seen: Observation, own: Ending
) -> Observation:
    """Return the end of a job that only knows that it was stopped, with why that was."""
    verdict: Verdict | None
    if (folder / protocol.STOP_REQUEST).exists():
        verdict = stopped(task, stop_asked=True, peak_fraction=None)
    else:
        verdict = _of_aws(task) or _overdue(folder) or cut_off(task)
    if verdict is None:
        return seen
    ending = verdict.ending(
        ended_at=own.ended_at, duration_s=own.duration_s, exit_code=own.exit_code
    ).model_copy(update={"last_lines": own.last_lines})
    return seen.model_copy(update={"ending": ending})


def _of_aws(task: Mapping[str, Any]) -> Verdict | None:
    """Return what AWS itself has done to a task, which is no deadline's doing; None: nothing."""
    found = cut_off(task)
    is_stop_of_ours = found is not None and found.failure_kind is FailureKind.LOST
    return None if is_stop_of_ours else found


def by_the_task_alone(task: Mapping[str, Any], terms: Terms, *, stop_asked: bool) -> Observation:
    """Return how an attempt ended whose folder holds nothing that can be read."""
    verdict = stopped(task, stop_asked=stop_asked, peak_fraction=None)
    bill = terms.bill(task)
    ending = verdict.ending(
        ended_at=moment(task.get("stoppedAt")) or utc_now(), duration_s=0.0,
        exit_code=_exit_code(task), billed_s=None if bill is None else bill.billed_s,
        rate=None if bill is None else bill.rate,
    )  # fmt: skip
    return Observation(state="ended", ending=ending)


def _overdue(folder: Path) -> Verdict | None:
    """Return what it means that a job was stopped from here, past its own deadline."""
    reason = (protocol.read_json(str(folder / OVERDUE)) or {}).get("reason")
    if reason not in _OVERDUE_KINDS:
        return None
    return Verdict(
        failure_kind=_OVERDUE_KINDS[reason],
        message=f"Stopped from outside: its {reason} was over and its container had not ended it.",
        again=Again.USER if reason == "timeout" else Again.NEVER,
    )


def _peak_fraction(task: Mapping[str, Any], seen: Observation) -> float | None:
    try:
        limit_mib = int(task["memory"])
    except (KeyError, TypeError, ValueError):
        return None
    peak_mib = seen.usage.peak_memory_mib if seen.usage is not None else 0.0
    return peak_mib / limit_mib if peak_mib and limit_mib else None


def _exit_code(task: Mapping[str, Any]) -> int | None:
    containers = task.get("containers") or [{}]
    code = containers[0].get("exitCode")
    return None if code is None else int(code)


def _plain(value: Any) -> Any:
    """Return a description as JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items() if key != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value
