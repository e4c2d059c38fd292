"""``%%flotilla_run`` and ``%flotilla``: what IPython calls. Nothing heavy is imported before."""

from typing import Any


def register(shell: Any) -> None:
    """Give a shell the magics and their completion."""
    from IPython.core.magic import no_var_expand

    from jupyter_flotilla.magics.completion import matcher_of

    @no_var_expand
    def flotilla_run(line: str, cell: str) -> Any:
        """Run this cell as a job: %%flotilla_run --help"""
        return _called(shell, "cell", line, cell)

    @no_var_expand
    def flotilla(line: str) -> Any:
        """See and steer runs: %flotilla help"""
        return _called(shell, "line", line)

    shell.register_magic_function(flotilla_run, "cell", "flotilla_run")
    shell.register_magic_function(flotilla, "line", "flotilla")
    unregister_matcher(shell)
    shell.Completer.custom_matchers.append(matcher_of(shell))


def unregister(shell: Any) -> None:
    """Take the magics and their completion away again."""
    shell.magics_manager.magics["cell"].pop("flotilla_run", None)
    shell.magics_manager.magics["line"].pop("flotilla", None)
    unregister_matcher(shell)


def unregister_matcher(shell: Any) -> None:
    """Take the completion away; a second %load_ext must not double it."""
    matchers = shell.Completer.custom_matchers
    matchers[:] = [m for m in matchers if getattr(m, "__module__", "") != f"{__name__}.completion"]


def _called(shell: Any, kind: str, *words: str) -> Any:
    """Call a magic; what it refuses is told without a traceback of ours."""
    from jupyter_flotilla.errors import FlotillaError

    try:
        if kind == "cell":
            from jupyter_flotilla.magics.cell import CellRun

            return CellRun(shell).run(*words)
        from jupyter_flotilla.magics.line import run_line

        return run_line(shell, *words)
    except FlotillaError as error:
        if not hasattr(error, "_render_traceback_"):
            told = [str(error)]
            error._render_traceback_ = lambda: told  # type: ignore[attr-defined]
        raise
