"""``jupyter flotilla doctor``."""

import dataclasses
import sys
import time

import click

from jupyter_flotilla import api
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, print_json, say
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.engines.registry import engine_names
from jupyter_flotilla.errors import EnvironmentProblem, FlotillaError, InvalidOption
from jupyter_flotilla.model.run import RunStatus
from jupyter_flotilla.model.units import format_duration, format_money
from jupyter_flotilla.settings import Settings, load_settings, settings_file
from jupyter_flotilla.setup.doctor import examine
from jupyter_flotilla.setup.ecs_doctor import examine_ecs, mend
from jupyter_flotilla.setup.finding import Finding

_ECS = "ecs"
#: A task must have its image pulled first.
_SMOKE_TIMEOUT = "15m"
_SMOKE = "flotilla is here"


@click.command()
@click.option("--engine", metavar="NAME", help="Look at what this engine needs as well.")
@click.option("--smoke", is_flag=True, help="Run one tiny command there, and say what it cost.")
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, then look again.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(engine: str | None, smoke: bool, fix: bool, as_json: bool) -> None:
    """Check this machine; each ✖ says what to do. Exit code 1 if there is any.

    What is not there and need not be has a –, what could not be looked at a ?.
    """
    settings = load_settings()
    if engine is not None and engine not in (known := [*engine_names(), _ECS]):
        raise InvalidOption(
            f"there is no engine {engine!r}",
            next_step=f"--engine {' or '.join(sorted(set(known)))}",
        )
    findings = _findings(settings, engine)
    if fix:
        done = mend(settings, findings, settings_file())
        for words in done or ["there is nothing that could be mended from here"]:
            say(f"  {words}")
        if done:
            settings = load_settings()
            findings = _findings(settings, engine)
    if smoke:
        findings.append(_smoked(engine or settings.engine))
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        _show(findings)
    sys.exit(1 if any(finding.is_bad for finding in findings) else 0)


def _findings(settings: Settings, engine: str | None) -> list[Finding]:
    findings = [*examine(settings), _dispatcher(settings)]
    is_wanted = _ECS in (engine, settings.engine)
    if is_wanted or settings.ecs.cluster is not None:
        found = examine_ecs(settings, utc_now())
        if not is_wanted:  # one who works elsewhere today need not be logged in
            found = [dataclasses.replace(finding, is_optional=True) for finding in found]
        findings += found
    return findings


def _show(findings: list[Finding]) -> None:
    for finding in findings:
        echo(f"{_mark(finding)} {finding.name:<16} {finding.message}")
        if not finding.ok and finding.next_step:
            echo(f"  → {finding.next_step}")


def _mark(finding: Finding) -> str:
    if finding.ok:
        return "✔"
    if finding.is_unknown:
        return "?"
    return "–" if finding.is_optional else "✖"


def _smoked(engine: str) -> Finding:
    """Run one tiny command, as anybody would; it is billed where the engine bills."""
    name, began = f"smoke {engine}", time.monotonic()
    say(f"running one tiny command on {engine}")
    try:
        run = api.submit(
            ["echo", _SMOKE], engine=engine, name="doctor", cpu=0.25, memory="512M",
            timeout=_SMOKE_TIMEOUT, confirm=False, wait=False,
        ).wait()  # fmt: skip
    except FlotillaError as error:
        return Finding(name=name, ok=False, message=error.message, next_step=error.next_step)
    took = format_duration(time.monotonic() - began)
    usd = run.cost.billed_usd
    cost = "price unknown" if usd is None else format_money(usd)
    is_said = _SMOKE in str(run.logs())
    if run.status is RunStatus.SUCCEEDED and is_said:
        return Finding(name=name, ok=True, message=f"{took} from submit to end, {cost}")
    words = "it succeeded and what it printed did not come back" if not is_said else ""
    return Finding(
        name=name, ok=False, message=words or f"{run.status}: {run.explain()}",
        next_step=f"jupyter flotilla show {run.short_id}",
    )  # fmt: skip


def _dispatcher(settings: Settings) -> Finding:
    try:
        is_awake = Wake(settings.home).is_awake()
    except EnvironmentProblem as error:
        return Finding(
            name="dispatcher", ok=False, message=error.message, next_step=error.next_step
        )
    words = "lives" if is_awake else "none now; the next run starts one"
    return Finding(name="dispatcher", ok=True, message=words)
