"""``jupyter flotilla service``: the dispatcher, after logout and reboot too."""

import click

from jupyter_flotilla.commands.dispatch import leave_to_service
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.setup import user_service


@click.group()
def service() -> None:
    """Have the dispatcher live on after logout and reboot: schedules are woken by it."""


@service.command()
def install() -> None:
    """Run the dispatcher as a service of yours, now and with each boot (systemd or launchd)."""
    facade = flotilla()
    found = user_service.install()
    leave_to_service(facade)
    say(f"installed: {found.path}")
    note = user_service.waking_note()
    if note is not None:
        say(f"  note: {note}")


@service.command()
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def status(as_json: bool) -> None:
    """Say whether a service dispatches, and whether a dispatcher lives at all."""
    facade = flotilla()
    found = user_service.status()
    is_awake = facade.wake.is_awake()
    if as_json:
        print_json(
            {
                "manager": found.manager,
                "is_installed": found.is_installed,
                "is_active": found.is_active,
                "is_lingering": found.is_lingering,
                "is_awake": is_awake,
                "path": None if found.path is None else str(found.path),
            }
        )
        return
    if found.manager is None:
        echo("there is neither systemd nor launchd here for this user")
    else:
        installed = f"installed ({found.path})" if found.is_installed else "not installed"
        active = "active" if found.is_active else "not active"
        echo(f"the service is {installed}, {active}; manager: {found.manager}")
    echo(f"a dispatcher {'lives' if is_awake else 'does not live'} here now")
    note = user_service.waking_note()
    if note is not None:
        echo(f"note: {note}")


@service.command()
def uninstall() -> None:
    """Stop the service and delete it; jobs go on."""
    say("deleted" if user_service.uninstall() else "there is no such service")
