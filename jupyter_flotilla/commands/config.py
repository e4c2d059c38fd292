"""``jupyter flotilla config``."""

import re
from dataclasses import replace
from typing import Any

import click

from jupyter_flotilla.commands.screen import print_json
from jupyter_flotilla.settings import Settings, settings_file, sourced_settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def config(as_json: bool) -> None:
    """Show the settings in force, and where each comes from."""
    settings = [replace(s, value=_without_password(s.value)) for s in sourced_settings()]
    if as_json:
        print_json({s.name: {"value": str(s.value), "source": s.source} for s in settings})
        return
    click.echo(f"settings file: {settings_file()}")
    for setting in settings:
        click.echo(f"{setting.name:<12} {setting.value}   [{setting.source}]")
        click.echo(f"{'':<12} {Settings.model_fields[setting.name].description}")
    click.echo("Each can be set in that file, or as FLOTILLA_<NAME> in the environment. What the")
    click.echo(
        "dispatcher goes by (max_running, retry_delay_s, keep_*, idle_s) belongs in the file:"
    )
    click.echo("it serves all your terminals, and takes only FLOTILLA_HOME and _STORE from one.")


def _without_password(value: Any) -> Any:
    is_url = isinstance(value, str) and "://" in value
    return re.sub(r"//([^:/@]*):.*@", r"//\1:***@", value) if is_url else value
