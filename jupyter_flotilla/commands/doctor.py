"""``jupyter flotilla doctor``."""

import dataclasses
import sys

import click

from jupyter_flotilla.commands.screen import echo, print_json
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.settings import Settings, load_settings
from jupyter_flotilla.setup.doctor import Finding, examine


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def doctor(as_json: bool) -> None:
    """Check this machine; each ✖ says what to do. Exit code 1 if there is any.

    What is not there and need not be has a –.
    """
    settings = load_settings()
    findings = [*examine(settings), _dispatcher(settings)]
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = "✔" if finding.ok else "–" if finding.is_optional else "✖"
            echo(f"{mark} {finding.name:<16} {finding.message}")
            if not finding.ok and finding.next_step:
                echo(f"  → {finding.next_step}")
    sys.exit(0 if all(finding.ok or finding.is_optional for finding in findings) else 1)


def _dispatcher(settings: Settings) -> Finding:
    try:
        is_awake = Wake(settings.home).is_awake()
    except EnvironmentProblem as error:
        return Finding(
            name="dispatcher", ok=False, message=error.message, next_step=error.next_step
        )
    words = "lives" if is_awake else "none now; the next run starts one"
    return Finding(name="dispatcher", ok=True, message=words)
