"""Which source decides an option, and what a source may decide. Pure.

What the user has not seen, a notebook's metadata and a project's file, may lower limits and label
runs; anything else of it needs the user's consent, and more than the user's own limits it never
gets: opening a stranger's notebook must not spend or leak.
"""

import hashlib
import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.model.grid_options import DEFAULT_PARALLEL
from jupyter_flotilla.model.option import Option, read_keywords
from jupyter_flotilla.model.resources import DEFAULT_CPU, DEFAULT_MEMORY_MIB

#: Options that say what one run is: nothing gives them by default.
PER_RUN = frozenset({"name", "params", "profile", "grid", "zip", "points"})
#: Keyword → what is in force where nobody has said anything; None: no limit.
_LIMITS: Mapping[str, float | None] = {
    "cpu": DEFAULT_CPU, "memory": None, "timeout": None, "max_cost": None, "retries": 0,
    "max_parallel": DEFAULT_PARALLEL, "budget": None,
}  # fmt: skip
#: May be decided by anybody.
_LABELS = frozenset({"tags"})
#: Are added up over sources, the stronger winning key by key.
_MERGED = frozenset({"tags", "env", "secrets"})
_ONLY_LOWER = "what comes with a notebook or project may only lower limits"
_NEEDS_CONSENT = "it needs your consent: jupyter flotilla trust"


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A place that options come from."""

    #: For people: a path, a variable, "command line".
    name: str
    #: Keyword → value as it is written there.
    written: Mapping[str, Any]
    #: True for what is asked for just now: only that says what this one run is.
    is_request: bool = False
    #: True where the user has written it or seen it.
    is_users_own: bool = True
    #: True where the user has agreed to all that this place asks for, as it is now.
    has_consent: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Consent:
    """What a place asks for and may not have without the user's consent."""

    #: `Source.name`, a path.
    source: str
    #: Keyword → value as it is written there.
    wants: Mapping[str, Any]

    @property
    def path(self) -> str:
        """The file that asks."""
        return self.source.partition(" (")[0].partition(" [")[0]

    @property
    def sentence(self) -> str:
        """What it asks for, for people."""
        wants = ", ".join(f"{key} = {value!r}" for key, value in self.wants.items())
        return f"{self.source} asks for {wants}, which needs your consent"

    @property
    def digest(self) -> str:
        """What a consent is valid for: the same wishes of the same place."""
        text = json.dumps([self.source, self.wants], sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """One value, who decided it, and what others said."""

    #: In canonical units.
    value: Any
    #: `Source.name` of the strongest that counts; empty: none does.
    source: str
    #: (source, value as written, why it does not count or ""), the strongest first.
    said: tuple[tuple[str, Any, str], ...] = ()
    #: Those of ``said`` that the user may not have seen.
    unseen: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolution:
    """Every option's value and where it comes from."""

    #: Keyword → its value, for what anybody has said anything of.
    decided: Mapping[str, Decided] = field(default_factory=dict)
    #: Sentences that the user should read before the launch.
    notes: tuple[str, ...] = ()
    #: What has to be agreed to first; as long as it is not, it does not count.
    asks: tuple[Consent, ...] = ()

    def check_consent(self) -> None:
        """Raise Refused if anything has to be agreed to first."""
        if self.asks:
            where = shlex.quote(self.asks[0].path)
            raise Refused(
                "; ".join(ask.sentence for ask in self.asks),
                next_step=f"look at it, then: jupyter flotilla trust {where}",
            )

    def values(self, table: Iterable[Option]) -> dict[str, Any]:
        """Return REST field → canonical value, of the options in a table."""
        found = [(option, self.decided[option.py]) for option in table if option.py in self.decided]
        return {option.rest: one.value for option, one in found if one.source}


def consent_of(source: Source) -> Consent | None:
    """Return what a place asks for that needs consent; None: nothing."""
    if source.is_users_own:
        return None
    free = {*_LIMITS, *_LABELS, *PER_RUN}
    wants = {key: value for key, value in source.written.items() if key not in free}
    return Consent(source=source.name, wants=wants) if wants else None


def resolve(
    table: Sequence[Option], sources: Sequence[Source], *, bills: Callable[[str], bool]
) -> Resolution:
    """Return what the sources decide together.

    Parameters
    ----------
    sources
        The strongest first.
    bills
        Says of an engine's name whether it bills: a job without ``memory`` has no limit where
        nobody is billed, and 4 GiB else.

    Raises
    ------
    InvalidOption
        For a value or an option of the user's own that means nothing, with its source.
    """
    decided: dict[str, Decided] = {}
    notes: list[str] = []
    asking: set[str] = set()
    read = [(source, _read(source, table, notes)) for source in sources]
    for option in sorted(table, key=lambda o: o.py != "engine"):  # limits depend on the engine
        engine = decided["engine"].value if "engine" in decided else "auto"
        base = _LIMITS.get(option.py)
        if option.py == "memory" and bills(engine):
            base = DEFAULT_MEMORY_MIB
        one = _decide(
            option, [(source, v[option.py]) for source, v in read if option.py in v], base
        )
        if one is not None:
            decided[option.py] = one
            notes += _notes(option.py, one)
            asking |= {name for name, _, why in one.said if why == _NEEDS_CONSENT}
    consents = [consent_of(source) for source in sources if source.name in asking]
    return Resolution(
        decided=decided,
        notes=tuple(notes),
        asks=tuple(consent for consent in consents if consent is not None),
    )


def _read(source: Source, table: Sequence[Option], notes: list[str]) -> dict[str, tuple[Any, Any]]:
    """Return keyword → (as written, canonical)."""
    known = [option for option in table if source.is_request or option.py not in PER_RUN]
    values = {}
    for key, written in source.written.items():
        try:
            canonical = read_keywords({key: written}, known)
        except InvalidOption as error:
            if source.is_users_own:
                raise InvalidOption(
                    f"{source.name}: {error.message}", next_step=error.next_step
                ) from error
            # what the user has not written must not keep them from running it
            notes.append(f"{source.name}: {error.message}; it does not count")
            continue
        if canonical:
            values[key] = (written, next(iter(canonical.values())))
    return values


def _decide(
    option: Option, said: Sequence[tuple[Source, tuple[Any, Any]]], base: Any
) -> Decided | None:
    """Return who wins, the strongest first; a `Decided` of no source: nobody's word counts."""
    if not said:
        return None
    own = [canonical for source, (_, canonical) in said if source.is_users_own]
    in_force = own[0] if own else base
    value: Any = None
    winner = ""
    told: list[tuple[str, Any, str]] = []
    for source, (written, canonical) in said:
        why = _why_not(option.py, canonical, in_force, source)
        if winner and option.py not in _MERGED:
            why = "a stronger one decides"
        told.append((source.name, written, why))
        if why:
            continue
        value = {**canonical, **value} if winner else canonical
        winner = winner or source.name
    unseen = frozenset(source.name for source, _ in said if not source.is_users_own)
    return Decided(value=value, source=winner, said=tuple(told), unseen=unseen)


def _notes(keyword: str, one: Decided) -> Iterator[str]:
    """Yield what the user should know of values that they may not have seen."""
    for name, written, why in one.said:
        if why == _ONLY_LOWER:
            yield f"{keyword} = {written!r} of {name} does not count: {why}"
        elif not why and name in one.unseen:
            yield f"{keyword} = {written!r} comes from {name}"


def _why_not(keyword: str, value: Any, in_force: Any, source: Source) -> str:
    if source.is_users_own or keyword in _LABELS:
        return ""
    if keyword in _LIMITS:
        if in_force is None or value <= in_force:
            return ""
        return _ONLY_LOWER
    return "" if source.has_consent else _NEEDS_CONSENT
