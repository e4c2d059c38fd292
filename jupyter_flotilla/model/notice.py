"""Who is told of a run, when, and in which words."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.schedule import Schedule, Tick, TickStatus
from jupyter_flotilla.model.text import printable
from jupyter_flotilla.model.units import format_duration

#: The target that needs no settings: this machine's desktop.
DESKTOP = "desktop"
_TARGET = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
#: Characters of a message of a run that others are told.
_LONGEST = 500


class Occasion(StrEnum):
    """What somebody is told of."""

    SUCCESS = "success"
    FAILURE = "failure"
    #: It takes longer than it usually does.
    SLOW = "slow"
    #: It should have begun by its schedule, and has not.
    LATE = "late"


def read_notify(value: Any) -> tuple[str, ...]:
    """Return wishes in one form, ``TARGET:OCCASION,OCCASION``, from what people write.

    >>> read_notify(["team", "desktop:slow,failure"])
    ('team:success,failure,slow,late', 'desktop:failure,slow')

    Raises
    ------
    InvalidOption
        For what is no name of a target, and for an occasion that there is not.
    """
    texts = [value] if isinstance(value, str) else list(value)
    return tuple(_read(str(text)) for text in texts)


def wishes(notify: Sequence[str]) -> Iterator[tuple[str, Occasion]]:
    """Yield target and occasion of each wish, each once."""
    pairs = (
        (target, Occasion(word))
        for text in notify
        for target, _, words in [text.partition(":")]
        for word in words.split(",")
    )
    yield from dict.fromkeys(pairs)


def occasion_of(run: Run) -> Occasion | None:
    """Return of what the end of a run is an occasion; None: of nothing, as it was cancelled."""
    ends = {RunStatus.SUCCEEDED: Occasion.SUCCESS, RunStatus.FAILED: Occasion.FAILURE}
    return ends.get(run.status)


def title(run: Run, occasion: Occasion) -> str:
    """Return a message's title, on one line."""
    how = {
        Occasion.SUCCESS: "succeeded",
        Occasion.FAILURE: f"failed ({run.failure_kind})" if run.failure_kind else "failed",
        Occasion.SLOW: "is slower than usual",
        Occasion.LATE: "is late",
    }[occasion]
    return f"{run.name} {how}"


def body(run: Run, occasion: Occasion, *, facts: Sequence[str] = ()) -> str:
    """Return a message's text: what happened, why, and what to do next. No output of the job.

    Parameters
    ----------
    facts
        More to say, a line each.
    """
    lines = [f"Run {run.id} on {run.spec.engine} ({run.spec.place})."]
    if run.started_at is not None and run.ended_at is not None:
        took = format_duration((run.ended_at - run.started_at).total_seconds())
        lines.append(f"It took {took}.")
    if run.message and occasion is Occasion.FAILURE:
        lines.append(printable(run.message[:_LONGEST]))
    lines += facts
    verb = "show" if run.status.is_final else "logs -f"
    return "\n".join([*lines, f"Next: jupyter flotilla {verb} {run.id}"])


def tick_message(schedule: Schedule, tick: Tick) -> tuple[str, str]:
    """Return title and text about a tick that has no run: it could not be made, or was missed."""
    at = f"{tick.scheduled_at:%Y-%m-%d %H:%M:%S} UTC"
    next_step = f"Next: jupyter flotilla schedule history {schedule.name}"
    if tick.status is TickStatus.MISSED:
        many = f"{tick.count} runs were" if tick.count > 1 else "a run was"
        since = f"{tick.first_at:%Y-%m-%d %H:%M:%S} UTC to " if tick.first_at else ""
        text = f"Nobody was there to make what was due: {since}{at}."
        return f"{schedule.name}: {many} missed", f"{text}\n{next_step}"
    why = printable((tick.reason or "")[:_LONGEST])
    return (
        f"{schedule.name}: its run could not be made",
        f"What was due at {at} did not begin: {why}\n{next_step}",
    )


def _read(text: str) -> str:
    target, colon, words = text.strip().partition(":")
    known = [occasion.value for occasion in Occasion]
    if "/" in text:
        # an address has its password in it: it is not repeated here
        raise InvalidOption(
            "--notify takes the name of a target, not its address",
            next_step='[notify] team = "ADDRESS" in flotilla.toml, then --notify team',
        )
    if _TARGET.fullmatch(target) is None:
        raise InvalidOption(
            f"--notify {target[:60]!r} is no name of a target",
            next_step="--notify desktop, or a name of [notify] in flotilla.toml",
        )
    asked = [word.strip().lower() for word in words.split(",")] if colon else known
    for word in asked:
        if word not in known:
            raise InvalidOption(
                f"--notify {target}: there is no occasion {word[:60]!r}",
                next_step=f"--notify {target}:{','.join(known[:2])}; there are {', '.join(known)}",
            )
    return f"{target}:{','.join(word for word in known if word in asked)}"
