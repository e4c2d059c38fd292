"""The option table of schedules, beside that of jobs: when, from which source, by which rules."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypedDict, get_args

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.address import has_password, masked
from jupyter_flotilla.model.base import Value
from jupyter_flotilla.model.option import Option, read_keywords
from jupyter_flotilla.model.schedule import Missed, Overlap, Where
from jupyter_flotilla.model.size_options import with_unit
from jupyter_flotilla.model.units import parse_duration, parse_money
from jupyter_flotilla.model.when import check_zone
from jupyter_flotilla.model.when_words import EXAMPLES

#: What stands for "no longer", in an edit.
NONE = "none"
_REPOSITORY = re.compile(r"(?P<repo>[^-\s@][^\s]*?)@(?P<ref>[A-Za-z0-9_][A-Za-z0-9._/~^-]{0,200})")


class ScheduleOptions(Value):
    """Options of a schedule; None means that nobody gave it. ``none`` takes one back."""

    when: str | None = None
    zone: str | None = None
    start: str | None = None
    end: str | None = None
    source: str | None = None
    where: Where | None = None
    missed: Missed | None = None
    #: Seconds; 0: no limit.
    max_age_s: int | None = None
    overlap: Overlap | None = None
    #: US dollars; 0: no limit.
    month_usd: float | None = None
    #: Names and ids; an empty one: none.
    after: tuple[str, ...] | None = None


class ScheduleKeywords(TypedDict, total=False):
    """The same as keywords of the Python API, in the forms that people write."""

    when: str | None
    tz: str | None
    start: str | None
    end: str | None
    source: str | None
    where: str | None
    missed: str | None
    max_age: str | None
    overlap: str | None
    month_cost: float | str | None
    after: str | Iterable[str] | None


def read_repository(text: str) -> tuple[str, str] | None:
    """Return repository and ref of ``REPO@REF``; None for another text.

    >>> read_repository("git@example.org:team/reports.git@main")
    ('git@example.org:team/reports.git', 'main')
    """
    head, at, ref = text.rpartition("@")
    if not at or _REPOSITORY.fullmatch(f"x@{ref}") is None or not head or head.startswith("-"):
        return None
    return head, ref


def _one_of(flag: str, known: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        text = str(value).strip().lower()
        if text not in known:
            raise InvalidOption(
                f"{flag} {str(value)[:60]!r} is unknown", next_step=f"one of {', '.join(known)}"
            )
        return text

    return check


def _text(value: Any) -> str:
    return str(value).strip()


def _zone(value: Any) -> str:
    return check_zone(str(value).strip()).key


def _source(value: Any) -> str:
    text = str(value).strip()
    if has_password(text):
        raise InvalidOption(
            f"--source {masked(text)[:80]!r} has a password, which would be kept with the schedule",
            next_step="the address without it: git's credential helper has it, or ssh",
        )
    if text not in ("snapshot", "file") and read_repository(text) is None:
        raise InvalidOption(
            f"--source {masked(text)[:80]!r} is unknown",
            next_step="snapshot (as it is now), file (as it is at the tick), or REPO@REF of git",
        )
    return text


def _max_age(value: Any) -> int:
    text = str(value).strip()
    return 0 if text.lower() == NONE else with_unit(parse_duration, "max_age='1d'")(value)


def _month(value: Any) -> float:
    text = str(value).strip()
    return 0.0 if text.lower() == NONE else parse_money(text)


def _after(value: Any) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else list(value)
    return tuple(text for one in texts if (text := str(one).strip()) and text.lower() != NONE)


#: Options that say when; the others are rules.
SCHEDULE_OPTIONS: tuple[Option, ...] = (
    Option(
        name="when", py="when", rest="when", form="When", metavar="WORDS", parse=_text,
        help=f"When it runs: {EXAMPLES}.",
    ),
    Option(
        name="tz", py="tz", rest="zone", form="Time zone", metavar="ZONE", parse=_zone,
        help="Time zone, e.g. America/New_York. [default: named in --when, else this machine's]",
    ),
    Option(
        name="start", py="start", rest="start", form="From", metavar="DATE", parse=_text,
        help="Nothing runs before; intervals are counted from it.",
    ),
    Option(
        name="end", py="end", rest="end", form="Until", metavar="DATE", parse=_text,
        help="Nothing runs after; of a date, after its last second.",
    ),
    Option(
        name="source", py="source", rest="source", form="What", metavar="WHAT", parse=_source,
        help="snapshot (as it is now), file (as it is at each tick) or REPO@REF (as git has it "
        "then; FILE is below its top). [default: snapshot]",
    ),
    Option(
        name="where", py="where", rest="where", form="Started by", metavar="WHERE",
        parse=_one_of("--where", get_args(Where)),
        help="here (this machine's dispatcher) or cloud (AWS's own scheduler, with every machine "
        "of yours switched off; engine ecs). [default: here]",
    ),
    Option(
        name="missed", py="missed", rest="missed", form="If missed", metavar="RULE",
        parse=_one_of("--missed", get_args(Missed)),
        help="When nobody was there to run it: skip, last (the latest, late) or all. "
        "[default: last]",
    ),
    Option(
        name="max-age", py="max_age", rest="max_age_s", form="Late at most", metavar="TIME",
        parse=_max_age, help="What was missed longer ago is left out, e.g. 12h; or none.",
    ),
    Option(
        name="overlap", py="overlap", rest="overlap", form="While one runs", metavar="RULE",
        parse=_one_of("--overlap", get_args(Overlap)),
        help="When the run before still goes on: skip, queue, replace (stop that one) or allow. "
        "[default: skip]",
    ),
    Option(
        name="month-cost", py="month_cost", rest="month_usd", form="Cost cap a month",
        metavar="USD", parse=_month,
        help="Start nothing that could pass this many US dollars in a month (UTC); or none.",
    ),
    Option(
        name="after", py="after", rest="after", form="After", metavar="NAME", parse=_after,
        repeats=True,
        help="Run when this schedule, or run, has succeeded, instead of by the clock; of several, "
        "when all have.",
    ),
)  # fmt: skip


def read_schedule_options(keywords: Mapping[str, Any]) -> ScheduleOptions:
    """Return options of a schedule from what people wrote; raises InvalidOption."""
    return ScheduleOptions(**read_keywords(keywords, SCHEDULE_OPTIONS))
