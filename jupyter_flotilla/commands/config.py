"""``jupyter flotilla config``."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.commands.screen import echo, flotilla, print_json
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.grid_options import GRID_OPTIONS
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.precedence import PER_RUN, Decided
from jupyter_flotilla.settings import Sourced, settings_file, sourced_settings

_OPTIONS = {option.py: option for option in (*OPTIONS, *GRID_OPTIONS) if option.py not in PER_RUN}


@click.command()
@click.option("--why", metavar="OPTION", help="Say where an option of jobs gets its value from.")
@click.option(
    "--for", "file", type=click.Path(path_type=Path), metavar="FILE",
    help="With --why: as for a run of this notebook or file. [default: this folder]",
)  # fmt: skip
@click.option("--profile", metavar="NAME", help="With --why: as with this profile.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def config(why: str | None, file: Path | None, profile: str | None, as_json: bool) -> None:
    """Show the settings in force, and where each comes from."""
    if why is not None:
        _why(why, file, profile, as_json)
        return
    settings = [replace(s, value=_without_password(s.value)) for s in sourced_settings()]
    if as_json:
        written = {s.name: None if s.value is None else str(s.value) for s in settings}
        print_json({s.name: {"value": written[s.name], "source": s.source} for s in settings})
        return
    echo(f"settings file: {settings_file()}")
    names, values = (max(map(len, column)) for column in zip(*map(_cells, settings), strict=True))
    for setting in settings:
        name, value = _cells(setting)
        echo(f"{name:<{names}}  {value:<{values}}  [{setting.source}]")
        echo(f"{'':<{names}}  {setting.description}")
    echo("Each can be set in that file, or as FLOTILLA_<NAME> in the environment. What the")
    echo("dispatcher goes by (max_running, retry_delay_s, keep_*, idle_s) belongs in the file:")
    echo("it serves all your terminals, and takes only FLOTILLA_HOME and _STORE from one.")
    echo("Options of jobs: [defaults] and [profiles.NAME] in it, FLOTILLA_<OPTION>, or a")
    echo("project's own flotilla.toml; 'config --why memory' says which of them decides.")


def _cells(setting: Sourced) -> tuple[str, str]:
    return setting.name, "unset" if setting.value is None else str(setting.value)


def _why(name: str, file: Path | None, profile: str | None, as_json: bool) -> None:
    keyword = name.lstrip("-").replace("-", "_")
    by_flag = {option.name.replace("-", "_"): key for key, option in _OPTIONS.items()}
    keyword = by_flag.get(keyword, keyword)
    if keyword not in _OPTIONS:
        raise InvalidOption(
            f"no default decides {name!r}", next_step=f"one of {', '.join(sorted(_OPTIONS))}"
        )
    given = {} if profile is None else {"profile": profile}
    resolution = api.resolve(flotilla(), given, file)
    one = resolution.decided.get(keyword, Decided(value=None, source=""))
    if as_json:
        said = [{"source": s, "written": w, "why_not": why or None} for s, w, why in one.said]
        print_json({"option": keyword, "value": one.value, "source": one.source, "said": said})
        return
    if not one.source:
        echo(f"{keyword}: nobody says anything that counts. {_OPTIONS[keyword].help}")
    for source, written, why_not in one.said:
        mark = "→" if not why_not else " "
        echo(f"{mark} {written!r}   [{source}]" + (f"   {why_not}" if why_not else ""))


def _without_password(value: Any) -> Any:
    is_url = isinstance(value, str) and "://" in value
    return re.sub(r"//([^:/@]*):.*@", r"//\1:***@", value) if is_url else value
