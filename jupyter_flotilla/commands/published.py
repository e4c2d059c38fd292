"""``jupyter flotilla published``."""

import click
from rich.text import Text

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.commands.screen import echo, flotilla, print_json, say
from jupyter_flotilla.commands.tables import Column, print_table
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.units import format_duration
from jupyter_flotilla.publishing import all_published

_COLUMNS = (
    Column(heading="NAME", least=12),
    Column(heading="AGE"),
    Column(heading="RUN", leaves=1),
    Column(heading="ADDRESS", least=20),
)


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def published(name: str | None, as_json: bool) -> None:
    """List what runs have published (--publish), or print the address of one NAME.

    \b
    open "$(jupyter flotilla published sales.html)"
    """
    facade = flotilla()
    found = all_published(facade)
    if name is not None:
        found = [one for one in found if one.name == name]
        if not found:
            raise InvalidOption(
                f"nothing is published as {name[:100]!r}", next_step="jupyter flotilla published"
            )
    if as_json:
        print_json([one.as_dict() for one in found])
    elif name is not None:
        echo(str(found[0].path))
    elif not found:
        say("nothing is published; jupyter flotilla run FILE --publish NAME")
    else:
        now = utc_now()
        rows = [
            [
                Text(one.name),
                Text(format_duration((now - one.published_at).total_seconds())),
                Text(facade.short_id(one.run_id)),
                Text(one.url or str(one.path)),
            ]
            for one in found
        ]
        print_table(_COLUMNS, rows)
