"""Completion behind ``%%flotilla_run`` and ``%flotilla``: a matcher of IPython's second kind.

The older ``complete_command`` hooks are not asked by the completer that kernels use.
"""

import re
from collections.abc import Iterable
from typing import Any

_CELL = re.compile(r"^%%flotilla_run\b")
_LINE = re.compile(r"^\s*%flotilla\b")
_VERBS_WITH_RUNS = frozenset(
    "show logs files download attach pull cancel retry wait keep grid detach".split()  # noqa: SIM905
)


def matcher_of(shell: Any) -> Any:
    """Return the matcher of a shell."""
    from IPython.core.completer import SimpleCompletion, context_matcher

    @context_matcher()  # type: ignore[untyped-decorator]
    def flotilla_matcher(context: Any) -> dict[str, Any]:
        """Offer what can stand here; nothing where the line is not ours."""
        typed = context.line_with_cursor[: _column(context)]
        words = _words(shell, context, typed)
        if words is None:
            return {"completions": [], "suppress": False}
        fragment = "" if typed[-1:].isspace() else typed.split()[-1]
        lead = fragment.rpartition(",")[0] + "," if "," in fragment else ""
        last = fragment[len(lead) :]
        offered = [lead + word for word in words if word.startswith(last)]
        return {
            "completions": [SimpleCompletion(text=word, type="flotilla") for word in offered],
            "suppress": True,
            "matched_fragment": fragment,
        }

    return flotilla_matcher


def _column(context: Any) -> int:
    lines = context.full_text.split("\n")
    return int(context.cursor_position) if len(lines) == 1 else _column_in(lines, context)


def _column_in(lines: list[str], context: Any) -> int:
    # the position counts from the beginning of the whole text, or of its line
    before = sum(len(line) + 1 for line in lines[: context.cursor_line])
    position = int(context.cursor_position)
    return position - before if position > len(context.line_with_cursor) else position


def _words(shell: Any, context: Any, typed: str) -> Iterable[str] | None:
    """Return what can stand at the cursor; None: somebody else knows."""
    previous = typed.split()[:-1] if not typed[-1:].isspace() else typed.split()
    if _LINE.match(typed) and " " in typed.lstrip():
        return _line_words(previous[1:])
    lines = context.full_text.split("\n")
    is_option_line = context.cursor_line == 0 or all(
        line.rstrip().endswith("\\") for line in lines[: context.cursor_line]
    )
    if lines and _CELL.match(lines[0]) and is_option_line and previous:
        return _cell_words(shell, previous)
    return None


def _cell_words(shell: Any, previous: list[str]) -> Iterable[str]:
    from jupyter_flotilla.magics.cell import flotilla_run

    last = previous[-1]
    if last in ("-i", "--in", "-o", "--out"):
        own = sorted(name for name in shell.user_ns if not name.startswith("_"))
        return [*own, "auto", "none"] if last in ("-i", "--in") else own
    return [*_values_after(last, flotilla_run), *_flags(flotilla_run), *_profiles(at=previous)]


def _line_words(previous: list[str]) -> Iterable[str]:
    from jupyter_flotilla.commands import VERBS
    from jupyter_flotilla.magics.line import OWN_VERBS, command_of

    if not previous:
        return sorted({*VERBS, *OWN_VERBS})
    verb = previous[0]
    command: Any = command_of(verb)
    if hasattr(command, "commands"):  # a group: its own verbs first
        if len(previous) == 1:
            return sorted(command.commands)
        command = command.commands.get(previous[1])
        if verb == "schedule" and not previous[-1].startswith("-"):
            return [*_schedules(), *(_flags(command) if command is not None else [])]
    flags = _flags(command) if command is not None else []
    if verb in _VERBS_WITH_RUNS and not previous[-1].startswith("-"):
        return [*_runs(), *flags]
    return [*_values_after(previous[-1], command), *flags]


def _flags(command: Any) -> list[str]:
    return sorted(
        flag
        for parameter in command.params
        for flag in (*parameter.opts, *parameter.secondary_opts)
        if flag.startswith("--")
    )


def _values_after(flag: str, command: Any) -> list[str]:
    from jupyter_flotilla.model.resources import FARGATE_SIZES
    from jupyter_flotilla.model.run import RunStatus

    if flag == "--engine":
        from jupyter_flotilla.engines.registry import engine_names

        return ["auto", *engine_names()]
    if flag in ("--memory", "-m"):
        sizes = sorted({mib for legal in FARGATE_SIZES.values() for mib in legal if mib >= 1024})
        return [f"{mib // 1024}G" for mib in sizes]
    if flag in ("--cpu", "-c"):
        return [f"{cpu:g}" for cpu in FARGATE_SIZES]
    if flag == "--arch":
        return ["x86_64", "arm64"]
    if flag == "--on-oom":
        return ["fail", "double"]
    if flag == "--status":
        return [status.lower() for status in RunStatus]
    parameters = [] if command is None else command.params
    choices = (getattr(p.type, "choices", ()) for p in parameters if flag in p.opts)
    return [str(choice) for choice in next(choices, ())]


def _profiles(at: list[str]) -> list[str]:
    if at[-1] != "--profile" and len(at) > 1:
        return []
    from jupyter_flotilla.settings import load_job_defaults

    names = sorted(load_job_defaults().profiles)
    return names if at[-1] == "--profile" else [f"@{name}" for name in names]


def _schedules() -> list[str]:
    from jupyter_flotilla.recurring import schedules

    return [schedule.name for schedule in schedules()]


def _runs() -> list[str]:
    from jupyter_flotilla import api

    found = api.runs(limit=30)
    return ["last", *dict.fromkeys([run.short_id for run in found] + [run.name for run in found])]
