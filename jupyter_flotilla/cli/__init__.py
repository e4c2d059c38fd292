"""The ``jupyter flotilla`` program: commands, with our errors as exit codes."""

import sys

_INTERRUPTED = 130
#: jsonschema, which nbformat imports, builds a grammar of 1 s where this optional package is
#: installed, for a check that notebooks do not need (jsonschema#1428). This process is ours alone.
_SLOW_GRAMMAR = "rfc3987_syntax"


def main() -> None:
    """Run the command line; exit with 0, 1 (the job failed), 2 (usage), 3 (refused) or 130."""
    sys.modules.setdefault(_SLOW_GRAMMAR, None)  # type: ignore[arg-type]
    try:
        # Imports take most of a short command's time: Ctrl-C has to be answered there, too.
        from jupyter_flotilla.cli.program import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        code = _INTERRUPTED
    sys.exit(code)
