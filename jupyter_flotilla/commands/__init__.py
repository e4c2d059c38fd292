"""The verbs of ``jupyter flotilla``: parse, call the service, show."""

from importlib import import_module

import click

#: Verb → module of this package that has a command of the same name (with ``_`` for ``-``).
VERBS = (
    "run", "ls", "panel", "show", "logs", "files", "download",
    "schedule", "published", "grid", "cancel", "detach", "wait", "retry", "cost", "keep",
    "clean", "deps", "image", "demo", "doctor", "setup-aws", "config", "trust",
    "dispatch", "service",
)  # fmt: skip


class _Verbs(click.Group):
    """Imports a verb when it is used: ``--help`` and completion stay quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module = cmd_name.replace("-", "_")
        command = getattr(import_module(f"jupyter_flotilla.commands.{module}"), module)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from difflib import get_close_matches

        if args and args[0] not in VERBS and not args[0].startswith("-"):
            close = get_close_matches(args[0], VERBS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else f" Use one of: {', '.join(VERBS)}."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Verbs,
    name="flotilla",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="jupyter_flotilla", prog_name="jupyter flotilla")
def flotilla() -> None:
    """Run notebooks, cells and commands as batch jobs.

    Start with: jupyter flotilla demo
    """
