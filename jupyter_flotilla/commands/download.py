"""``jupyter flotilla download``."""

from pathlib import Path

import click

from jupyter_flotilla.commands.screen import echo, flotilla, say
from jupyter_flotilla.handle import RunHandle


@click.command()
@click.argument("run_id", metavar="ID")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--to", type=click.Path(path_type=Path), metavar="DIR", help="[default: here]")
@click.option("--force", is_flag=True, help="Replace files that are there already.")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="[default: the last]")
def download(
    run_id: str, patterns: tuple[str, ...], to: Path | None, force: bool, attempt: int | None
) -> None:
    """Copy files that a job has brought back into a folder, all or those that match.

    jupyter flotilla download last '*.png' --to plots
    """
    facade = flotilla()
    handle = RunHandle(facade, facade.find(run_id))
    paths = handle.download(*patterns, to=to or Path(), force=force, attempt=attempt)
    for path in paths:
        echo(str(path) if str(path).isprintable() else repr(str(path)))
    if not paths:
        say("no files came back; --fetch GLOB says which should")
