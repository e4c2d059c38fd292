"""``jupyter flotilla demo``: the whole way through, in one command."""

import shlex
import shutil
import sys
import sysconfig
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import click

from jupyter_flotilla import render
from jupyter_flotilla.commands.follow import launch
from jupyter_flotilla.commands.screen import flotilla, say
from jupyter_flotilla.errors import EngineUnavailable, InvalidNotebook
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.options import read_options

_NEEDS = ("sklearn", "matplotlib", "pandas")
_NOTEBOOK = "digits.ipynb"
_PROGRAM = "jupyter-flotilla"


@click.command()
def demo() -> None:
    """Run a real notebook on real data as a job, and show what comes back."""
    missing = [name for name in _NEEDS if find_spec(name) is None]
    if missing:
        raise EngineUnavailable(
            f"the demo's notebook needs {', '.join(missing)}, not installed for {sys.executable}",
            next_step=f"{sys.executable} -m pip install 'jupyter_flotilla[demo]'",
        )
    facade = flotilla()
    notebook = example_notebook()
    options = read_options(
        {"params": {"n_trees": 60}, "memory": "2G", "timeout": "10m", "tags": {"demo": ""}}
    )
    draft = facade.draft_file(notebook, options)
    say(f"$ jupyter flotilla run {notebook} -p n_trees=60 --memory 2G --timeout 10m")
    for line in render.launch_lines(facade.plan(draft)):
        say(line)
    handle, code = launch(facade, draft)
    if code == 0:
        _what_next(handle)
    sys.exit(code)


def example_notebook() -> Path:
    """Return the demo's notebook: inside the installed package, or in a checkout's examples."""
    package = Path(str(files("jupyter_flotilla")))
    for folder in (package / "examples", package.parent / "examples"):
        if (folder / _NOTEBOOK).exists():
            return folder / _NOTEBOOK
    raise InvalidNotebook(f"{_NOTEBOOK} did not come with this installation", next_step="reinstall")


def _what_next(handle: RunHandle) -> None:
    short = handle.short_id
    say("")
    say(f"The executed notebook, with its plots: {handle.notebook_path}")
    say("Three things to try next:")
    called, first = how_to_call()
    if first:
        say(f"  {first}   # first, once in each terminal")
    for words, what in (
        (f"show {short}", "phases, peak memory, cost, events"),
        (f"logs {short}", "all it wrote, from any terminal"),
        ("run YOUR.ipynb --memory 8G --bg", "it outlives this terminal"),
    ):
        say(f"  {called} {words:<31}   # {what}")


def how_to_call(scripts: Path | None = None) -> tuple[str, str | None]:
    """Return what to type for this program here, and what to type before that; None: nothing.

    ``.venv/bin/jupyter flotilla demo`` works where ``jupyter flotilla`` is not found, or is of
    another installation.

    Parameters
    ----------
    scripts
        Where this installation has its programs; None: to be found out.
    """
    scripts = scripts or Path(sysconfig.get_path("scripts"))
    own, found = scripts / _PROGRAM, shutil.which(_PROGRAM)
    if found is not None and own.exists() and own.samefile(found) and shutil.which("jupyter"):
        return "jupyter flotilla", None
    if (scripts / "activate").exists():
        return "jupyter flotilla", f". {_typed(scripts / 'activate')}"
    if own.exists():
        return _typed(own), None
    return f"{_typed(Path(sys.executable))} -m jupyter_flotilla", None


def _typed(path: Path) -> str:
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))
