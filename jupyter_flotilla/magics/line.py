"""``%flotilla``: the verbs of the command line in a notebook, and some that are only of it."""

import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from difflib import get_close_matches
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.capture.origin import find_origin
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands import VERBS, flotilla
from jupyter_flotilla.commands.ls import search
from jupyter_flotilla.errors import UsageError
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.in_bucket import going_line
from jupyter_flotilla.magics.following import attach
from jupyter_flotilla.magics.session import set_options, show_deps, show_profiles
from jupyter_flotilla.magics.tables import Rows
from jupyter_flotilla.magics.tokens import split_line
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.units import format_money
from jupyter_flotilla.widget.opening import panel
from jupyter_flotilla.widget.panel import Panel

_SHOWN = 5


def run_line(shell: Any, line: str) -> Any:
    """Run ``%flotilla`` with a line; return what can be kept of it."""
    words = split_line(line, shell.user_ns)
    if not words:
        return _summary(shell)
    verb, *rest = words
    if verb in OWN_VERBS:
        return OWN_VERBS[verb](shell, rest)
    if verb not in VERBS:
        close = get_close_matches(verb, [*VERBS, *OWN_VERBS], n=2)
        raise UsageError(
            f"there is no %flotilla {verb}",
            next_step=f"did you mean {' or '.join(close)}?" if close else "%flotilla help",
        )
    return _command(verb, rest)


def command_of(verb: str) -> click.Command | None:
    """Return the command of a verb; None for one that only exists here."""
    return flotilla.get_command(click.Context(flotilla), verb) if verb in VERBS else None


def _command(verb: str, words: list[str]) -> None:
    """Run a command of the command line; what it says goes below the cell, none of it in red."""
    command = command_of(verb)
    assert command is not None
    try:
        with redirect_stderr(sys.stdout):
            command.main(list(words), prog_name=f"%flotilla {verb}", standalone_mode=False)
    except click.ClickException as error:
        raise UsageError(
            f"%flotilla {verb}: {error.format_message()}", next_step=f"%flotilla {verb} --help"
        ) from error
    except SystemExit:
        pass  # its exit code: what it means was said


def _asked(verb: str, words: list[str]) -> dict[str, Any]:
    """Return the options of a command that is done otherwise here."""
    command = command_of(verb)
    assert command is not None
    try:
        return command.make_context(f"%flotilla {verb}", words).params
    except click.ClickException as error:
        raise UsageError(
            f"%flotilla {verb}: {error.format_message()}", next_step=f"%flotilla {verb} --help"
        ) from error


def _summary(shell: Any) -> None:
    """Print this notebook's and the latest runs, what this month has cost, and one hint."""
    facade = api.flotilla()
    found = [run for run, _ in facade.latest(limit=200)]
    own = _own(shell, found)
    shown = (own or found)[:_SHOWN]
    if not shown:
        print("No runs yet. Try: %%flotilla_run above a cell, or jupyter flotilla demo")
        return
    print("Runs from this notebook:" if own else "Latest runs:")
    for run in shown:
        print(f"  {RunHandle(facade, run).status_line()}  {run.name}")
    if warning := going_line(facade, found, utc_now()):
        print(warning)
    month = facade.costs("engine", month_start(utc_now()))
    for row in month:
        about = "≈ " if not facade.engine(row.engine).bills else ""
        print(f"This month: {about}{format_money(row.usd)} on {row.engine}, {row.runs} runs")
    alive = [run for run in shown if not run.status.is_final]
    short = facade.short_id((alive or shown)[0].id)
    print(f"%flotilla attach {short} comes back to it" if alive else f"%flotilla show {short}")


def _ls(shell: Any, words: list[str]) -> Rows:
    asked = _asked("ls", words)
    facade = api.flotilla()
    found = search(
        facade,
        show_all=asked["show_all"],
        status=asked["status"],
        active=asked["active"],
        tag=asked["tag"],
        name=asked["name"],
    )
    return Rows([_row(facade.short_id(run.id), run, attempt) for run, attempt in found],
                "No run matches." if words else "No runs yet.")  # fmt: skip


def _row(short: str, run: Run, attempt: Attempt | None) -> dict[str, Any]:
    return {
        "id": short,
        "name": run.name,
        "status": run.status.value,
        "why": run.failure_kind.value if run.failure_kind else None,
        "created_at": run.created_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
        "duration_s": attempt.duration_s if attempt else None,
        "peak_mib": attempt.usage.peak_memory_mib if attempt else None,
        "usd": attempt.charge_usd if attempt else None,
    }


def _attach(shell: Any, words: list[str]) -> Any:
    """Stream a run again, from its beginning, wait for it and bind what it gives."""
    return attach(shell, api.flotilla(), _own_run(shell, words))


def _own_run(shell: Any, words: list[str]) -> RunHandle:
    """Return the run that is named; without a name this notebook's latest, else the latest."""
    if words:
        return api.get(words[0])
    facade = api.flotilla()
    own = _own(shell, [run for run, _ in facade.latest(limit=200)])
    return RunHandle(facade, own[0]) if own else api.get("last")


def _own(shell: Any, runs: list[Run]) -> list[Run]:
    """Return those of this notebook's cells; none where nobody tells which notebook it is."""
    notebook = find_origin(shell).notebook
    if notebook is None:
        return []
    return [run for run in runs if run.spec.origin and run.spec.origin.notebook == notebook]


def _panel(shell: Any, words: list[str]) -> Panel:
    """Return a live panel of runs."""
    return panel(**_asked("panel", words))


def _pull(shell: Any, words: list[str]) -> None:
    """Bind outputs of a run: all, or those that are named; with --force over newer values."""
    force = "--force" in words
    words = [word for word in words if word != "--force"]
    handle = _own_run(shell, words[:1])
    outputs = handle.outputs
    known = list(outputs)
    names = words[1:] or known
    missing = [name for name in names if name not in known]
    if missing or not names:
        has = ", ".join(known) or "none"
        raise UsageError(
            f"{handle.short_id} has no output {missing[0]!r} (it has: {has})" if missing
            else f"{handle.short_id} ({handle.status}) has given back no outputs",
            next_step="-o NAMES on the magic line says what comes back",
        )  # fmt: skip
    for name in names:
        if not force and name in shell.user_ns and shell.user_ns[name] is not outputs[name]:
            kind = type(shell.user_ns[name]).__name__
            raise UsageError(
                f"{name} is here already ({kind})",
                next_step=f"%flotilla pull {handle.short_id} {name} --force replaces it",
            )
        shell.user_ns[name] = outputs[name]
    print(f"{', '.join(names)} → namespace")


def _estimate(shell: Any, words: list[str]) -> None:
    """Print what a run would cost, without running it."""
    _command("run", [*words, "--dry-run"])


def _help(shell: Any, words: list[str]) -> None:
    if words and (command := command_of(words[0])) is not None:
        print(command.get_help(click.Context(command, info_name=f"%flotilla {words[0]}")))
        return
    print("%flotilla                the latest runs of this notebook, and what the month has cost")
    print("%flotilla attach [ID]    stream a run again, wait for it and bind what it gives back")
    print("%flotilla pull ID [NAME] bind outputs of a run  [--force]")
    print("%flotilla set memory=16G options of this session's jobs")
    print("%flotilla profiles       what @PROFILE means")
    print("%flotilla estimate FILE  what a run would cost")
    for verb in VERBS:
        command = command_of(verb)
        assert command is not None
        print(f"%flotilla {verb:<14} {command.get_short_help_str(limit=70)}")
    print("%%flotilla_run --help    options of cells;  %flotilla VERB --help  of a verb")


#: Verbs that are done otherwise in a notebook, or only there.
OWN_VERBS: dict[str, Callable[[Any, list[str]], Any]] = {
    "attach": _attach, "deps": show_deps, "estimate": _estimate, "help": _help, "ls": _ls,
    "panel": _panel, "profiles": show_profiles, "pull": _pull, "set": set_options,
}  # fmt: skip
