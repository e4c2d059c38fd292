"""``jupyter flotilla ls``."""

from collections.abc import Sequence

import click
from rich.cells import cell_len
from rich.text import Text

from jupyter_flotilla import render
from jupyter_flotilla.api import read_statuses, read_tag
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import COLOURS, flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.in_bucket import as_dict, going_line, in_bucket
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.run import OPEN_STATUSES, Run, RunStatus
from jupyter_flotilla.model.units import format_duration
from jupyter_flotilla.service import Flotilla

_SHOWN = 20


@click.command()
@click.option("--all", "show_all", is_flag=True, help="All runs, not only the 20 latest.")
@click.option("--status", multiple=True, help="Only this status; may be repeated.")
@click.option("--active", is_flag=True, help="Only runs that are not final.")
@click.option("--tag", metavar="K[=V]", help="Only runs with this tag.")
@click.option("--name", help="Only runs of this name.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def ls(
    show_all: bool,
    status: tuple[str, ...],
    active: bool,
    tag: str | None,
    name: str | None,
    as_json: bool,
) -> None:
    """List runs, newest first."""
    facade = flotilla()
    found = search(facade, show_all=show_all, status=status, active=active, tag=tag, name=name)
    if as_json:
        print_json([_as_dict(facade, run, attempt) for run, attempt in found])
        return
    if not found:
        say("No runs yet. Try: jupyter flotilla demo" if not (status or tag or name or active)
            else "No run matches.")  # fmt: skip
        return
    _print(facade, found)
    if len(found) == _SHOWN and not show_all:
        say(f"The {_SHOWN} latest; --all shows more.")
    if warning := going_line(facade, [run for run, _ in found], utc_now()):
        say(warning)


def search(
    facade: Flotilla,
    *,
    show_all: bool,
    status: Sequence[str],
    active: bool,
    tag: str | None,
    name: str | None,
) -> list[tuple[Run, Attempt | None]]:
    """Return the runs that these options of the command ask for, each with its latest attempt."""
    statuses = read_statuses(status)
    if active:
        statuses = tuple(s for s in statuses or OPEN_STATUSES if s in OPEN_STATUSES)
        if not statuses:
            return []  # asked for what is both open and final
    limit = 1_000_000 if show_all else _SHOWN
    return facade.latest(statuses=statuses, tag=read_tag(tag), name=name, limit=limit)


def _print(facade: Flotilla, found: Sequence[tuple[Run, Attempt | None]]) -> None:
    positions = _positions(facade, [run for run, _ in found])
    statuses = [_status(run, positions.get(run.id)) for run, _ in found]
    columns = [
        Column(heading="id"),
        Column(heading="grid", leaves=5),
        Column(heading="name", least=8, at_last=4),
        # how far a run is may be shortened, what became of it only at last
        Column(heading="status", least=max(map(cell_len, statuses)), at_last=11),
        Column(heading="when", leaves=4),
        Column(heading="took", leaves=3),
        Column(heading="peak", leaves=1),
        Column(heading="on Fargate", leaves=2),
    ]
    rows = [
        _cells(run, attempt, facade.short_id(run.id), status)
        for (run, attempt), status in zip(found, statuses, strict=True)
    ]
    if not any(run.grid_id for run, _ in found):
        columns, rows = columns[:1] + columns[2:], [row[:1] + row[2:] for row in rows]
    print_table(columns, rows)


def _positions(facade: Flotilla, found: Sequence[Run]) -> dict[str, int]:
    """Return how many runs come before each queued one; of a long list none: each is a query."""
    queued = [run for run in found if run.status is RunStatus.QUEUED and run.not_before is None]
    if len(queued) > _SHOWN:
        return {}
    return {run.id: facade.queue_position(run) for run in queued}


def _status(run: Run, position: int | None) -> str:
    status = render.status_text(run)
    if position is None:
        return status
    return f"{status}, {position} before" if position else f"{status}, next"


def _cells(run: Run, attempt: Attempt | None, short: str, status: str) -> list[Text]:
    if run.status is RunStatus.RUNNING and attempt is not None:
        status += f" {render.progress_text(attempt.progress)}"
    took = peak = cost = ""
    if attempt is not None and run.started_at is not None:
        took_s = attempt.duration_s
        took = format_duration(took_s if took_s is not None else _age_s(run))
        peak = render.peak_text(attempt)
    if attempt is not None:
        cost = render.charge_text(attempt)
    when = run.created_at.astimezone().strftime("%b %d %H:%M")
    return [
        Text(short), Text((run.grid_id or "")[:7]), _name(run),
        Text(status, style=COLOURS[run.status]), Text(when), Text(took), Text(peak), Text(cost),
    ]  # fmt: skip


def _name(run: Run) -> Text:
    if run.grid_id is None:
        return Text(run.name)
    return Text.assemble(run.name, (f"  {render.params_text(run.spec.params)}", "dim"))


def _age_s(run: Run) -> float:
    assert run.started_at is not None
    return max(0.0, ((run.ended_at or utc_now()) - run.started_at).total_seconds())


def _as_dict(facade: Flotilla, run: Run, attempt: Attempt | None) -> dict[str, object]:
    return {
        **run.model_dump(mode="json", exclude={"spec": {"env", "kernel"}}),
        "name": run.name,
        "in_bucket": as_dict(in_bucket(facade, run)),
        "latest_attempt": None if attempt is None else attempt.model_dump(mode="json"),
    }
