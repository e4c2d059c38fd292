"""``jupyter flotilla files``."""

from collections.abc import Mapping

import click

from jupyter_flotilla.artifacts.s3_links import Link
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.units import format_bytes

_NOTHING = "no files came back; --fetch GLOB says which should"


@click.command()
@click.argument("run_id", metavar="ID", default="last")
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1)
@click.option("--link", is_flag=True, help="Print a link for a browser to each, from the bucket.")
@click.option("--expires", metavar="TIME", default="1h", help="How long links live [default: 1h].")
@click.option("--attempt", type=click.IntRange(min=1), metavar="N", help="[default: the last]")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON: path → bytes.")
def files(
    run_id: str,
    patterns: tuple[str, ...],
    link: bool,
    expires: str,
    attempt: int | None,
    as_json: bool,
) -> None:
    """List the files that a job has brought back (--fetch), all or those that match.

    Whoever has a link to one needs no login.
    """
    facade = flotilla()
    files = RunHandle(facade, facade.find(run_id)).files(attempt)
    if link:
        _print_links(files.links(*patterns, expires=expires), as_json=as_json)
        return
    found = files.meant(*patterns)
    if as_json:
        print_json(found)
        return
    for name, size in found.items():
        echo(f"{format_bytes(size):>8}  {_shown(name)}")
    if found:
        say(f"{len(found):,} files, {format_bytes(sum(found.values()))}")
    else:
        say(_NOTHING)


def _print_links(links: Mapping[str, Link], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                name: {"url": link.url, "ends_at": link.ends_at.isoformat()}
                for name, link in links.items()
            }
        )
        return
    for link in links.values():
        echo(str(link))
    if links:
        at = min(link.ends_at for link in links.values()).astimezone().strftime("%Y-%m-%d %H:%M")
        say(f"until {at}; whoever has such a link needs no login")
    else:
        say(_NOTHING)


def _shown(name: str) -> str:
    """Return a path on one line of a terminal, whatever is in it."""
    return name if name.isprintable() else repr(name)
