"""One option, whatever it is an option of, and how tables of them are read."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal

from jupyter_flotilla.errors import InvalidOption


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """One option on every face."""

    #: Flag without its dashes, kebab-case.
    name: str
    #: Keyword in Python.
    py: str
    #: Field in REST and in `JobOptions`.
    rest: str
    #: Label in a form.
    form: str
    #: What stands for the value in help.
    metavar: str
    #: One sentence for every help text.
    help: str
    #: From what people write to the canonical value. Raises InvalidOption.
    parse: Callable[[Any], Any]
    #: Short flag.
    alias: str | None = None
    #: True where the flag may be given several times.
    repeats: bool = False
    #: True where the flag takes no value.
    is_flag: bool = False
    #: True where not every engine can honour it: `engines.base.Engine.honours` says which do.
    is_of_some: bool = False
    #: An engine that does, for the error of one that does not.
    engine_hint: str = "docker"
    group: Literal["resources", "limits", "image", "inputs", "labels", "grid"] = "labels"


def read_keywords(keywords: Mapping[str, Any], table: Iterable[Option]) -> dict[str, Any]:
    """Return canonical values by their REST field, from what people wrote by keyword.

    None and empty mean "not given".

    Raises
    ------
    InvalidOption
        For a keyword that the table does not have (with the closest ones) and for a wrong value.
    """
    by_keyword = {option.py: option for option in table}
    canonical = {}
    for keyword, value in keywords.items():
        if keyword not in by_keyword:
            raise InvalidOption(
                f"there is no option {keyword!r}", next_step=_suggest(keyword, by_keyword)
            )
        if value is None or (isinstance(value, (tuple, list, Mapping)) and not value):
            continue
        option = by_keyword[keyword]
        try:
            canonical[option.rest] = option.parse(value)
        except (TypeError, AttributeError, OverflowError, ValueError) as error:
            raise InvalidOption(
                f"{keyword}={_shown(value)} is of a wrong type", next_step=option.help
            ) from error
    return canonical


def _shown(value: Any) -> str:
    try:
        return repr(value)[:100]
    except ValueError:
        return "…"  # an integer of more digits than Python writes


def _suggest(keyword: str, known: Iterable[str]) -> str:
    close = get_close_matches(keyword, list(known), n=3)
    return f"did you mean {' or '.join(close)}?" if close else f"use one of {', '.join(known)}"
