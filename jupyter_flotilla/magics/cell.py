"""``%%flotilla_run``: send a cell away and get its results back."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api, render
from jupyter_flotilla.capture.closure import executed_cells
from jupyter_flotilla.capture.origin import find_origin
from jupyter_flotilla.capture.sent_cell import Asked, Sender, SentCell
from jupyter_flotilla.commands import options
from jupyter_flotilla.commands.interrupts import interrupts
from jupyter_flotilla.errors import InvalidOption, Refused, UsageError
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.magics.card import is_notebook, make_card
from jupyter_flotilla.magics.following import Following, attach, bind, note_values, noted_values
from jupyter_flotilla.magics.session import session_of
from jupyter_flotilla.magics.tokens import Split, split_cell
from jupyter_flotilla.model.grid_options import GRID_OPTIONS
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.run import OPEN_STATUSES
from jupyter_flotilla.model.units import format_bytes
from jupyter_flotilla.planning import Plan

#: Values above this are asked about, in bytes.
_LARGE_BYTES = 100 * 10**6


@click.command(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@options.job_options
@click.option("--in", "-i", "inputs", default="auto", metavar="NAMES",
              help="Inputs: names, NAME=EXPRESSION, none or auto. [default: auto]")  # fmt: skip
@click.option("--out", "-o", "outputs", default="none", metavar="NAMES",
              help="Names that the cell gives back. [default: none]")  # fmt: skip
@click.option("--wait/--bg", default=True, help="Wait for it, or go on at once. [default: wait]")
@click.option("--on-interrupt", type=click.Choice(["cancel", "detach"]), default="cancel",
              help="What ■ does. [default: cancel]")  # fmt: skip
@click.option("--again", is_flag=True, help="Also while the cell's previous run is going on.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would run, travel and cost, and stop.")
@click.option("--quiet", is_flag=True, help="Show the end only.")
def flotilla_run(**keywords: Any) -> None:
    """Run this cell as a job.

    \b
    %%flotilla_run --memory 16G -i df,alpha -o model,scores
    %%flotilla_run @big -o model
    """


class CellRun:
    """One execution of the cell magic in a shell."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._facade = api.flotilla()
        self._origin = find_origin(shell)

    def run(self, line: str, cell: str) -> Any:
        """Run a cell; return its result, or the run where nobody waits for it."""
        split = split_cell(line, cell, self._shell.user_ns)
        if {"-h", "--help"} & set(split.words):
            print(flotilla_run.get_help(click.Context(flotilla_run, info_name="%%flotilla_run")))
            return None
        keywords = read_words(split)
        job_options, notes = self._options(keywords)
        previous = None if keywords["again"] or keywords["dry_run"] else self._previous()
        if previous is not None and self._shall_attach(previous, yes=keywords["yes"]):
            return attach(self._shell, self._facade, previous)
        with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
            sent = self._draft(split, job_options, keywords, Path(folder))
            plan = self._facade.plan(sent.draft)
            head = [*render.launch_lines(plan), *sent_lines(sent), *notes]
            if keywords["dry_run"]:
                print("\n".join([*head, "  nothing was submitted (--dry-run)"]))
                return None
            self._check_consent(plan, sent, yes=keywords["yes"])
            return self._submit(sent, head, keywords)

    def _options(self, keywords: Mapping[str, Any]) -> tuple[JobOptions, list[str]]:
        notebook = self._origin.notebook
        resolution = self._facade.defaults.resolve(
            options.given(dict(keywords)),
            file=Path(notebook) if notebook else None,
            folder=api.current_folder(),
            session=session_of(self._shell),
        )
        resolution.check_consent()
        notes = [f"  note: {note}" for note in resolution.notes]
        return JobOptions(**resolution.values(OPTIONS)), notes

    def _draft(
        self, split: Split, job_options: JobOptions, keywords: Mapping[str, Any], folder: Path
    ) -> SentCell:
        to_python = self._shell.transform_cell
        sender = Sender(
            namespace=self._shell.user_ns,
            cells=executed_cells(self._shell.user_ns.get("In", [])[:-1], to_python),
            to_python=to_python,
            origin=self._origin,
            cwd=api.current_folder(),
        )
        asked = Asked(inputs=keywords["inputs"], outputs=keywords["outputs"])
        return self._facade.draft_sent_cell(
            split.body, job_options, asked, sender, lines_before=split.lines_before, folder=folder
        )

    def _previous(self) -> RunHandle | None:
        """Return the run of this very cell that is going on; None: there is none."""
        if self._origin.cell_id is None:
            return None
        for run, _ in self._facade.latest(statuses=OPEN_STATUSES, limit=200):
            theirs = run.spec.origin
            if theirs is not None and theirs.cell_id == self._origin.cell_id:
                return RunHandle(self._facade, run)
        return None

    def _shall_attach(self, previous: RunHandle, *, yes: bool) -> bool:
        """Ask what to do, so that nothing runs twice unless that is meant."""
        short = previous.short_id
        what = f"this cell's previous run {short} is {previous.status}"
        usage = f"%flotilla attach {short}, %flotilla cancel {short}, or --again"
        if yes or not self._can_ask():
            raise UsageError(what, next_step=usage)
        question = f"{what}: [a]ttach to it, [c]ancel it and run this, run [b]oth, or neither? "
        answer = input(question).strip().lower()[:1]
        if answer not in ("a", "b", "c"):
            raise Refused(f"{what}; nothing was launched", next_step=usage)
        if answer == "c":
            previous.cancel()
        return answer == "a"

    def _check_consent(self, plan: Plan, sent: SentCell, *, yes: bool) -> None:
        asks = list(plan.asks)
        if sent.closure.size > _LARGE_BYTES:
            asks.append(f"its inputs are {format_bytes(sent.closure.size)}")
        if not asks or yes:
            return
        if not self._can_ask():
            raise Refused("; ".join(asks), next_step="add --yes, if that is meant")
        if input(f"{'; '.join(asks)}. Launch it? [y/N] ").strip().lower() not in ("y", "yes"):
            raise Refused("nothing was launched", next_step="lower --timeout, or set --max-cost")

    def _can_ask(self) -> bool:
        kernel = getattr(self._shell, "kernel", None)
        return kernel is None or bool(getattr(kernel, "_allow_stdin", False))

    def _submit(self, sent: SentCell, head: list[str], keywords: Mapping[str, Any]) -> Any:
        with interrupts() as presses:
            handle = RunHandle(self._facade, self._facade.submit(sent.draft))
            self._shell.user_ns["_flotilla"] = handle
            note_values(self._shell, handle, sent.draft.spec.outputs)
            shown = [] if keywords["quiet"] else head
            if not keywords["wait"]:
                presses.aim(handle.short_id, partial(self._facade.cancel, handle.id))
                if is_notebook(self._shell):
                    return handle.headed(shown)
                make_card(self._shell, shown).show(handle)
                return handle
            following = Following(self._shell, self._facade, handle, shown)
            following.follow(presses, detach=keywords["on_interrupt"] == "detach")
        bind(self._shell, handle, noted_values(self._shell, handle))
        return following.result()


def read_words(split: Split) -> dict[str, Any]:
    """Return the magic's options by keyword; those of the line are stronger than ``#|`` lines.

    Raises
    ------
    InvalidOption
        For what is no option, with the closest.
    """
    words = list(split.words)
    profile = [f"--profile={words.pop(0)}"] if words and words[0].startswith("@") else []
    given = _parse([*profile, *words])
    weaker = _parse(split.header)
    found: dict[str, Any] = {}
    for parameter in flotilla_run.params:
        name = str(parameter.name)
        source = given if name in given["_given"] else weaker
        found[name] = source[name]
    # of grids only the command line and run_grid know
    return found | {option.py: None for option in GRID_OPTIONS}


def _parse(words: list[str]) -> dict[str, Any]:
    try:
        context = flotilla_run.make_context("%%flotilla_run", list(words))
    except click.ClickException as error:
        raise InvalidOption(
            f"%%flotilla_run: {error.format_message()}", next_step="%%flotilla_run --help"
        ) from error
    default = click.core.ParameterSource.DEFAULT
    given = {name for name in context.params if context.get_parameter_source(name) != default}
    return {**context.params, "_given": given}


def sent_lines(sent: SentCell) -> list[str]:
    """Return what travels with a cell, one line each kind; nothing where nothing does."""
    closure = sent.closure
    lines = []
    values = [f"{e['name']} ({format_bytes(e['size'])} {e['format']})" for e in closure.values]
    values += [f"{p.name} (source, cell {p.cell})" for p in closure.pieces]
    if values:
        lines.append(f"  inputs {', '.join(values)}")
    if sent.modules:
        tops = sorted({name.partition("/")[0] for name in sent.modules})
        lines.append(f"  modules {', '.join(tops)} ({len(sent.modules)} files)")
    if sent.draft.spec.outputs:
        lines.append(f"  outputs {', '.join(sent.draft.spec.outputs)}")
    for entry in closure.values:
        if entry["format"] == "pickle" and (why := entry.get("why_pickle")):
            lines.append(f"  note: {entry['name']} is pickled, not parquet: {why}")
        elif entry["format"] == "pickle":
            lines.append(
                f"  note: {entry['name']} ({entry['type']}) is pickled: it loads in Python "
                f"{entry['python']} only"
            )
    return lines
