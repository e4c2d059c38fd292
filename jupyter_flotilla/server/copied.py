"""One launch in the words of each face: as a magic, on the command line, in Python."""

import json
import shlex
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, parse_axis
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.schedule_options import SCHEDULE_OPTIONS
from jupyter_flotilla.server.wire.launch import CommandJob, Commands, FileJob, RetryJob, SourceJob

_TABLE = {option.py: option for option in (*GRID_OPTIONS, *SCHEDULE_OPTIONS, *OPTIONS)}


def commands(
    what: FileJob | SourceJob | CommandJob | RetryJob, options: Mapping[str, Any]
) -> Commands:
    """Return what to write elsewhere for the same launch; empty where that face has no word for it.

    Parameters
    ----------
    options
        By their keywords in Python, as they were given.
    """
    flags = list(_flags(options))
    line = shlex.join(flags)
    keywords = "".join(f", {name}={value!r}" for name, value in options.items())
    if isinstance(what, SourceJob):
        magic = f"%%flotilla_run {line}".rstrip() + f"\n{what.source}"
        return Commands(magic=magic, cli="", python=f"fl.run_source({what.source!r}{keywords})")
    if isinstance(what, FileJob):
        words = [what.path, *flags]
        python = f"fl.run_notebook({what.path!r}{keywords})"
        if "grid" in options:
            python = f"fl.run_grid({what.path!r}{keywords})"
    elif isinstance(what, CommandJob):
        words = [*flags, "--", *what.argv]
        python = f"fl.submit({what.argv!r}{keywords})"
    else:
        words = [what.run, *flags]
        python = f"fl.get({what.run!r}).retry({keywords.removeprefix(', ')})"
    verb = "retry" if isinstance(what, RetryJob) else "run"
    rest = shlex.join([verb, *words])
    return Commands(magic=f"%flotilla {rest}", cli=f"jupyter flotilla {rest}", python=python)


def scheduled(
    what: FileJob | CommandJob, options: Mapping[str, Any], schedule: Mapping[str, Any]
) -> Commands:
    """Return the same of a schedule.

    Parameters
    ----------
    schedule
        When, and by which rules, by their keywords.
    """
    given = {**schedule, **options}
    flags = list(_flags(given))
    keywords = "".join(f", {name}={value!r}" for name, value in given.items())
    subject: str | list[str] = what.path if isinstance(what, FileJob) else what.argv
    words = [*flags, "--", *subject] if isinstance(subject, list) else [subject, *flags]
    rest = shlex.join(["schedule", "add", *words])
    python = f"fl.schedule({subject!r}{keywords})"
    return Commands(magic=f"%flotilla {rest}", cli=f"jupyter flotilla {rest}", python=python)


def edited(
    name: str,
    what: FileJob | CommandJob | None,
    options: Mapping[str, Any],
    schedule: Mapping[str, Any],
) -> Commands:
    """Return the same of an edit of a schedule.

    Parameters
    ----------
    name
        What it is called before.
    what
        None: what it runs stays as it was saved.
    """
    given = {**schedule, **options}
    flags = list(_flags(given))
    if isinstance(what, FileJob):
        words, python = [name, what.path, *flags], [repr(what.path)]
    elif what is not None:
        words, python = [name, *flags, "--", *what.argv], [repr(what.argv)]
    else:
        words, python = [name, *flags], []
    python += [f"{keyword}={value!r}" for keyword, value in given.items()]
    rest = shlex.join(["schedule", "edit", *words])
    return Commands(
        magic=f"%flotilla {rest}",
        cli=f"jupyter flotilla {rest}",
        python=f"fl.get_schedule({name!r}).edit({', '.join(python)})",
    )


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    for keyword, value in options.items():
        option = _TABLE.get(keyword)
        if option is not None and value not in (None, "", [], {}, ()):
            yield from _flag(option, value)


def _flag(option: Option, value: Any) -> Iterator[str]:
    flag = f"--{option.name}"
    if option.is_flag:
        yield flag if value else f"--no-{option.name}"
    elif option.py == "grid" and isinstance(value, Mapping):
        for key, values in value.items():
            yield from (flag, f"{key}={_axis(values)}")
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from (flag, key if one is None else f"{key}={_text(one)}")
    elif option.repeats:
        for one in [value] if isinstance(value, str) else value:
            yield from (flag, _text(one))
    else:
        yield from (flag, _text(value))


def _axis(values: Any) -> str:
    """Return the values of a parameter of a grid, so that they are read as what they are."""
    if isinstance(values, str):
        return values
    texts = [_text(one) for one in values]
    text = ",".join(texts)
    with suppress(InvalidOption):
        if parse_axis(text) == tuple(values):
            return text
    return json.dumps(list(values), ensure_ascii=False)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
