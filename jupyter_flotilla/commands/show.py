"""``jupyter flotilla show``."""

import shlex

import click

from jupyter_flotilla import render
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, flotilla, print_json
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.in_bucket import where_text
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.resources import Resources
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.units import format_duration, format_size


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def show(run_id: str, as_json: bool) -> None:
    """Show one run: status, what ran, attempts, cost, where things are, why it failed."""
    facade = flotilla()
    handle = RunHandle(facade, facade.find(run_id))
    if as_json:
        events = [event.model_dump(mode="json") for event in facade.events(handle.id)]
        print_json({**handle.to_dict(), "events": events})
        return
    run = handle.snapshot
    echo(f"{run.name}  {run.id}")
    echo(f"  {handle.status_line()}")
    for label, value in _facts(run):
        echo(f"  {label:<10} {value}")
    for attempt in handle.attempts:
        echo(f"  {'attempt':<10} {_attempt_line(attempt, run.spec.resources)}")
    if handle.notebook_path.exists():
        echo(f"  {'notebook':<10} {handle.notebook_path}")
    for text in _in_bucket(handle):
        echo(f"  {'results':<10} {text}")
    echo(f"  {'folder':<10} {facade.attempt_folder(run.id, max(1, run.attempt))}")
    for event in facade.events(run.id):
        at = event.at.astimezone().strftime("%H:%M:%S")
        echo(f"  {'event':<10} {at} {event.name}")
    if run.status.is_final and run.message:
        echo(handle.explain())


def _in_bucket(handle: RunHandle) -> list[str]:
    """Return where a run's files are in a bucket; of what that has deleted, also what is here."""
    found, now = handle.in_bucket, utc_now()
    if found is None:
        return []
    where = where_text(found, now, handle.short_id)
    if not found.is_gone(now):
        return [where]
    files = handle.files()
    here = ["its logs"] if str(handle.logs(tail=1)) else []
    here += ["the notebook"] if handle.notebook_path.exists() else []
    here += [f"{sum(map(files.is_here, files))} of {len(files)} files"] if files else []
    return [where, f"still here: {', '.join(here) or 'nothing'}"]


def _facts(run: Run) -> list[tuple[str, str]]:
    spec = run.spec
    memory = format_size(spec.resources.memory_mib) if spec.resources.memory_mib else "unlimited"
    gpu = f", {spec.resources.gpu} GPU" if spec.resources.gpu else ""
    facts = [
        ("what", render.one_line(_command(spec) or f"{spec.kind} {spec.path or ''}", 200)),
        ("where", f"{spec.engine} on {spec.place}, in {spec.cwd}"),
        ("with", f"{spec.resources.cpu:g} vCPU, memory {memory}{gpu}"),
        ("python", spec.interpreter),
    ]
    if spec.revision:
        by = f", last edited by {spec.author}" if spec.author else ""
        facts.append(("revision", f"{spec.revision}{by}"))
    if run.schedule_id is not None and run.scheduled_at is not None:
        at = run.scheduled_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        facts.append(("schedule", f"{run.schedule_id}, due {at}"))
    if spec.timeout_s:
        facts.append(("timeout", format_duration(spec.timeout_s)))
    if spec.params:
        params = ", ".join(f"{k}={v!r}" for k, v in spec.params.items())
        facts.append(("params", render.one_line(params, 500)))
    if spec.tags:
        facts.append(("tags", ", ".join(f"{k}={v}" if v else k for k, v in spec.tags.items())))
    if spec.secrets:
        facts.append(("secrets", ", ".join(ref.name for ref in spec.secrets)))
    return facts


def _command(spec: JobSpec) -> str:
    words = shlex.join(spec.command or ())
    # a script that is given on the command line has lines of its own
    return words if words.isprintable() else " ".join(words.split())


def _attempt_line(attempt: Attempt, asked: Resources) -> str:
    parts = [f"{attempt.number}", *_grown(attempt.resources, asked)]
    if attempt.started_at is not None:
        parts.append(f"from {attempt.started_at.astimezone().strftime('%Y-%m-%d %H:%M:%S')}")
    if attempt.duration_s is not None:
        parts.append(f"for {format_duration(attempt.duration_s)}")
    if attempt.usage.peak_memory_mib:
        parts.append(f"peak {format_size(attempt.usage.peak_memory_mib)}")
    parts.append(f"{attempt.usage.cpu_s:.1f} CPU-seconds")
    if attempt.exit_code is not None:
        parts.append(f"exit code {attempt.exit_code}")
    if attempt.failure_kind is not None:
        parts.append(attempt.failure_kind)
    parts.append(render.pull_text(attempt))
    return ", ".join(part for part in parts if part)


def _grown(given: Resources, asked: Resources) -> list[str]:
    """Return what an attempt had more than was asked for: it follows one that had too little."""
    parts = []
    if given.memory_mib is not None and given.memory_mib != asked.memory_mib:
        parts.append(f"memory {format_size(given.memory_mib)}")
    if given.disk_gib is not None and given.disk_gib != asked.disk_gib:
        parts.append(f"disk {given.disk_gib} G")
    return parts
