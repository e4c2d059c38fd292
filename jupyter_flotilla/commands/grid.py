"""``jupyter flotilla grid``, and how the runs of a grid are followed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from rich.cells import cell_len
from rich.console import Group
from rich.live import Live
from rich.text import Text

from jupyter_flotilla import api, render
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.interrupts import INTERRUPTED, Interrupts, interrupts
from jupyter_flotilla.commands.saving import save_notebooks
from jupyter_flotilla.commands.screen import COLOURS, console, echo, flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table, table_lines
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.grid_options import GridOptions
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.text import printable
from jupyter_flotilla.model.units import format_duration, format_money
from jupyter_flotilla.run_set import RunSet, submit_grid
from jupyter_flotilla.service import Flotilla

#: Runs that a live table shows at most; of more, the ones that are going on.
_SHOWN = 20


@click.command()
@click.argument("grid_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def grid(grid_id: str, as_json: bool) -> None:
    """Show the runs of a grid: parameters, metrics, cost."""
    flotilla()
    runs = api.get_grid(grid_id)
    if as_json:
        print_json(_as_dict(runs))
        return
    echo(f"{runs.name}  {runs.id}  {runs.summary()}")
    print_table(*_table(runs, [*runs]))
    if (cost := _cost_line(runs)) is not None:
        say(cost)


def launch_grid(
    facade: Flotilla,
    drafts: Sequence[Draft],
    limits: GridOptions,
    repeats: Sequence[str] | None = None,
    *,
    wait: bool,
    save: Path | None = None,
    as_json: bool,
) -> int:
    """Submit a grid, and follow it or say how to; return the exit code.

    Ctrl-C cancels all its runs, and once more kills them.
    """
    with interrupts() as presses:
        runs = submit_grid(facade, drafts, limits, repeats)
        presses.aim(f"all {len(runs)} runs of {runs.id[:7]}", runs.cancel)
        code = _follow(runs, presses, save) if wait else 0
    if not wait:
        code = _in_background(runs, presses)
    if as_json:
        print_json(_as_dict(runs))
    return code


def _in_background(runs: RunSet, presses: Interrupts) -> int:
    for sentence in presses.news():
        say(sentence)
    if presses.presses:
        return INTERRUPTED
    say(f"{runs.summary()} · {runs.id} · safe to close this terminal · jupyter flotilla grid "
        f"{runs.id[:7]}")  # fmt: skip
    return 0


def _follow(runs: RunSet, presses: Interrupts, save: Path | None) -> int:
    if console().is_terminal:
        _follow_live(runs, presses)
    else:
        _follow_plain(runs, presses)
    say("")
    for row in _lines(runs, [*runs]):
        console().print(row)
    if save is not None:
        saved = save_notebooks(runs, save)
        say(f"  executed notebooks: {len(saved)}, as {save}")
    say(f"{runs.id} · {runs.summary()}")
    if (cost := _cost_line(runs)) is not None:
        say(cost)
    for line in _failures(runs):
        say(line)
    if all(run.snapshot.status is RunStatus.SUCCEEDED for run in runs):
        return 0
    return INTERRUPTED if presses.presses else 1


def _follow_live(runs: RunSet, presses: Interrupts) -> None:
    with Live(console=console(), transient=True, auto_refresh=False) as live:
        for _ in runs.changes(every_s=0.5):
            for sentence in presses.news():
                say(sentence)
            shown = [*runs] if len(runs) <= _SHOWN else _going_on(runs)
            line = Text(f"{runs.id[:7]} · {render.counts_text(runs.counts(), len(runs))}")
            lines = [*_lines(runs, shown), line]
            for one in lines:
                one.no_wrap, one.overflow = True, "ellipsis"
            live.update(Group(*lines), refresh=True)


def _follow_plain(runs: RunSet, presses: Interrupts) -> None:
    told: set[str] = set()
    for _ in runs.changes(every_s=0.5):
        for sentence in presses.news():
            say(sentence)
        for run in runs:
            if run.snapshot.status.is_final and run.id not in told:
                told.add(run.id)
                say(f"{render.params_text(run.snapshot.spec.params)}  {run.status_line()}")


def _going_on(runs: RunSet) -> list[RunHandle]:
    active = [run for run in runs if not run.snapshot.status.is_final]
    going_on = [run for run in active if run.snapshot.status is not RunStatus.QUEUED]
    return (going_on or active)[:_SHOWN]


def _lines(runs: RunSet, shown: list[RunHandle]) -> list[Text]:
    """Return a table of runs for people, as lines."""
    return table_lines(*_table(runs, shown), console().width if console().is_terminal else None)


def _table(runs: RunSet, shown: list[RunHandle]) -> tuple[list[Column], list[list[Text]]]:
    """Return a table of runs: id, parameters, status, metrics, time, peak memory, cost."""
    names = list(dict.fromkeys(name for run in runs for name in run.snapshot.spec.params))
    varied = [name for name in names if _varies(runs, name)]
    metrics = list(dict.fromkeys(name for run in runs for name in _metrics(runs, run)))[:6]
    statuses = [cell_len(render.status_text(run.snapshot)) for run in shown]
    columns = [
        Column(heading="id"),
        *(Column(heading=name, least=8, at_last=4) for name in varied),
        # how far a run is may be shortened, what became of it only at last
        Column(heading="status", least=max(statuses, default=11), at_last=11),
        *(Column(heading=name, leaves=9 - number) for number, name in enumerate(metrics)),
        Column(heading="took", leaves=3),
        Column(heading="peak", leaves=1),
        Column(heading="cost", leaves=2),
    ]
    return columns, [_row(runs, run, varied, metrics) for run in shown]


def _varies(runs: RunSet, name: str) -> bool:
    values = [repr(run.snapshot.spec.params.get(name)) for run in runs]
    return len(set(values)) > 1 or len(values) == 1


def _metrics(runs: RunSet, run: RunHandle) -> dict[str, float | None]:
    attempt = runs.latest(run)
    return {} if attempt is None else attempt.metrics


def _row(runs: RunSet, handle: RunHandle, varied: list[str], metrics: list[str]) -> list[Text]:
    run, attempt = handle.snapshot, runs.latest(handle)
    status = render.status_text(run)
    if run.status is RunStatus.RUNNING and attempt is not None:
        status += f" {render.progress_text(attempt.progress)}"
    took = peak = cost = ""
    if attempt is not None:
        since = attempt.started_at
        running_s = None if since is None else (utc_now() - since).total_seconds()
        took_s = attempt.duration_s if attempt.duration_s is not None else running_s
        took = "" if took_s is None else format_duration(max(0.0, took_s))
        peak, cost = render.peak_text(attempt), render.charge_text(attempt)
    params = [_short(run.spec.params.get(name)) for name in varied]
    logged = _metrics(runs, handle)
    return [
        Text(run.id[:7]), *map(Text, params), Text(status, style=COLOURS[run.status]),
        *(Text(_short(logged.get(name))) for name in metrics), Text(took), Text(peak), Text(cost),
    ]  # fmt: skip


def _short(value: Any) -> str:
    text = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return printable(text)[:40]


def _cost_line(runs: RunSet) -> str | None:
    usd = runs.cost_usd
    if usd is None or not len(runs):
        return None
    if runs[0].cost.is_billed:
        return f"{format_money(usd)} in all"
    return f"$0.00 here · would have been ≈ {format_money(usd)} in all on Fargate"


def _failures(runs: RunSet) -> Iterator[str]:
    """Yield each reason that runs did not succeed for, with how many, and what to do next."""
    bad = [run.snapshot for run in runs if run.snapshot.status is not RunStatus.SUCCEEDED]
    for message, count in Counter(run.message or "" for run in bad).most_common(5):
        yield f"  {count} × {_first_line(message) or 'no reason was given'}"
    if bad:
        yield f"  Next: jupyter flotilla show {bad[0].id[:7]}"
        yield f"  To run again what failed: jupyter flotilla retry {runs.id[:7]}"


def _first_line(message: str) -> str:
    return render.one_line(message.partition("\n")[0], 200)


def _as_dict(runs: RunSet) -> dict[str, Any]:
    return {**runs.grid.model_dump(mode="json"), "runs": runs.rows()}
