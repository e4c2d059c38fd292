"""Asks before what may be expensive."""

import shlex
import sys

import click

from jupyter_flotilla.commands.screen import say
from jupyter_flotilla.errors import Refused
from jupyter_flotilla.planning import Plan


def agree(plan: Plan, *, yes: bool) -> None:
    """Return if there is nothing to agree to, or the user agrees.

    Raises
    ------
    Refused
        If the user does not, or nobody can be asked.
    """
    if not plan.asks or yes:
        return
    for reason in plan.asks:
        say(f"  ! {reason}")
    if not sys.stdin.isatty():
        command = shlex.join(["jupyter", "flotilla", sys.argv[1], "--yes", *sys.argv[2:]])
        raise Refused(f"{'; '.join(plan.asks)}; nobody can be asked here", next_step=command)
    if not click.confirm("Launch it?", err=True):
        raise Refused("nothing was launched", next_step="lower --timeout, or set --max-cost")
