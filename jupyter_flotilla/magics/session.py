"""``%flotilla set``, ``profiles``, ``deps``: what the jobs of this session get."""

import sys
from types import ModuleType
from typing import Any

from jupyter_flotilla import api
from jupyter_flotilla.capture.modules import local_modules
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.option import read_keywords
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.precedence import PER_RUN
from jupyter_flotilla.settings import load_job_defaults

_SET = "_flotilla_set"


def session_of(shell: Any) -> dict[str, Any]:
    """Return what was set for this session, as it was written."""
    found: dict[str, Any] = shell.user_ns_hidden.setdefault(_SET, {})
    return found


def set_options(shell: Any, words: list[str]) -> None:
    """Set options of this session's jobs: ``memory=16G``; an empty value takes one back."""
    session = session_of(shell)
    table = [option for option in OPTIONS if option.py not in PER_RUN]
    for word in words:
        name, equals, value = word.lstrip("-").partition("=")
        keyword = name.replace("-", "_")
        if not equals:
            raise InvalidOption(f"{word!r} is not NAME=VALUE", next_step="%flotilla set memory=16G")
        read_keywords({keyword: value or None}, table)  # refuses what means nothing
        if value:
            session[keyword] = value
        else:
            session.pop(keyword, None)
    shown = ", ".join(f"{key} = {value}" for key, value in session.items())
    print(f"this session: {shown or 'nothing is set'}")


def show_profiles(shell: Any, words: list[str]) -> None:
    """Print the profiles of the user's file."""
    found = load_job_defaults()
    for name, options in sorted(found.profiles.items()):
        print(f"@{name:<12} {', '.join(f'{key} = {value!r}' for key, value in options.items())}")
    if not found.profiles:
        print(f"No profiles yet: write [profiles.big] into {found.source}")


def show_deps(shell: Any, words: list[str]) -> None:
    """Print what would travel with a cell that uses everything imported here."""
    modules = {
        value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", ""))
        for name, value in shell.user_ns.items()
        if not name.startswith("_")
    }
    files = local_modules(name for name in modules if name and name != "__main__")
    print(f"Python: {sys.executable} ({sys.version.split()[0]}), with all that is installed there")
    print(f"Local modules: {len(files)} files" if files else "Local modules: none")
    for name, path in sorted(files.items())[:50]:
        print(f"  {name:<30} {path}")
    folder = api.current_folder()
    print(f"Folder: {folder} (--files makes a copy of what matches, and nothing else is seen)")
