"""``jupyter flotilla keep``."""

import click

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import flotilla, say
from jupyter_flotilla.in_bucket import in_bucket, where_text
from jupyter_flotilla.service import Flotilla


@click.command()
@click.argument("run_ids", metavar="ID…", nargs=-1, required=True)
@click.option("--undo", is_flag=True, help="Let them be deleted again.")
def keep(run_ids: tuple[str, ...], undo: bool) -> None:
    """Keep runs whatever their age and size; 'clean' and retention pass them by.

    So does the bucket that has their files, if any, and its expiry: they are copied there to where
    it does not delete.
    """
    facade = flotilla()
    for run in [facade.find(run_id) for run_id in run_ids]:
        facade.keep(run.id, is_kept=not undo)
        say(f"{run.name} {run.id} is {'no longer kept' if undo else 'kept'}")
        _say_where(facade, run.id)


def _say_where(facade: Flotilla, run_id: str) -> None:
    run = facade.get(run_id)
    found = in_bucket(facade, run)
    if found is None:
        return
    short = facade.short_id(run_id)
    if not run.status.is_final and found.expires_at is not None:
        say(f"  not yet what it has in the bucket, as it goes on: keep {short} again at its end")
        return
    say(f"  {where_text(found, utc_now(), short)}")
    if found.is_kept and found.expires_at is not None:
        say("  a rule of the bucket's own deletes there as well: let it except kept/")
