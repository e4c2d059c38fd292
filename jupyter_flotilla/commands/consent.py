"""Asks before what may be expensive."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from jupyter_flotilla import api
from jupyter_flotilla.commands.screen import say
from jupyter_flotilla.errors import Refused
from jupyter_flotilla.model.precedence import Resolution
from jupyter_flotilla.planning import Plan
from jupyter_flotilla.service import Flotilla


def resolve(facade: Flotilla, given: Mapping[str, Any], file: Path | None) -> Resolution:
    """Return what a job gets; what comes unseen with it is shown, and agreed to, first.

    Raises
    ------
    Refused
        If the user does not agree, or nobody can be asked.
    """
    resolution = api.resolve(facade, given, file)
    if not resolution.asks:
        return resolution
    if not sys.stdin.isatty():
        resolution.check_consent()
    for ask in resolution.asks:
        say(f"  ! {ask.sentence}")
    if not click.confirm("Agree, until it changes?", err=True):
        raise Refused("nothing was launched", next_step="give the options yourself: they win")
    facade.defaults.agree(resolution.asks)
    return api.resolve(facade, given, file)


def agree(plan: Plan, *, yes: bool) -> None:
    """Return if there is nothing to agree to, or the user agrees; raises as `agree_to`."""
    agree_to(plan.asks, "Launch it?", yes=yes)


def agree_to(asks: Sequence[str], question: str, *, yes: bool) -> None:
    """Return if there is nothing to agree to, or the user agrees.

    Raises
    ------
    Refused
        If the user does not, or nobody can be asked.
    """
    if not asks or yes:
        return
    for reason in asks:
        say(f"  ! {reason}")
    if not sys.stdin.isatty():
        at = 3 if sys.argv[1:2] == ["schedule"] else 2  # behind the verb
        command = shlex.join(["jupyter", "flotilla", *sys.argv[1:at], "--yes", *sys.argv[at:]])
        raise Refused(f"{'; '.join(asks)}; nobody can be asked here", next_step=command)
    if not click.confirm(question, err=True):
        raise Refused("nothing was launched", next_step="lower --timeout, or set --max-cost")
