"""A cell with what it needs of its namespace → a draft."""

import ast
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.closure import Closure, Gatherer
from jupyter_flotilla.capture.definitions import Cell
from jupyter_flotilla.capture.draft import Code, Draft, common_fields
from jupyter_flotilla.capture.files import find_files
from jupyter_flotilla.capture.kernels import DEFAULT_KERNEL, find_kernel
from jupyter_flotilla.capture.modules import imported_modules, local_modules, zipped
from jupyter_flotilla.capture.names import Names, names_of
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidNotebook, InvalidOption, UnsendableInput
from jupyter_flotilla.model.job import JobSpec, Origin, slug
from jupyter_flotilla.model.options import JobOptions

_SOURCE = "cell.json"
#: What the first line of a cell says after its magic line, in the job: numbers stay the caller's.
_HEADER = "#%%flotilla_run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What a cell shall get and give."""

    #: ``auto``, ``none``, or names and ``name=expression``, separated by commas.
    inputs: str = "auto"
    #: Names, separated by commas, or ``none``.
    outputs: str = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """Whoever sends a cell: its namespace, what it has executed, where it is."""

    namespace: Mapping[str, Any]
    cells: Sequence[Cell]
    #: Turns a cell with magics into plain Python; raises SyntaxError.
    to_python: Callable[[str], str]
    origin: Origin
    cwd: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class SentCell:
    """A cell that is ready to be submitted, and what goes with it."""

    draft: Draft
    closure: Closure
    #: Files of local modules, by their place.
    modules: Mapping[str, Path]


def draft_sent_cell(
    body: str,
    options: JobOptions,
    asked: Asked,
    sender: Sender,
    *,
    lines_before: int,
    folder: Path,
    engine: Engine,
) -> SentCell:
    """Return the job that runs a cell with what it needs.

    Parameters
    ----------
    lines_before
        Lines of the cell above ``body``: its magic line and more options.
    folder
        An empty folder, for values.

    Raises
    ------
    SyntaxError
        As the cell itself would.
    InvalidNotebook
        If there is nothing to run.
    UnsendableInput, InvalidOption
    """
    if not body.strip():
        raise InvalidNotebook(
            "there is nothing to run: the cell is empty", next_step="write below the magic line"
        )
    python = sender.to_python(body)
    names = _names(python)
    outputs = _outputs(asked.outputs, names)
    gatherer = Gatherer(sender.namespace, sender.cells, folder)
    _gather(gatherer, asked.inputs, names, sender.namespace)
    return pack(
        gatherer.closure,
        source=_source(body, lines_before),
        imports=imported_modules(python),
        outputs=outputs,
        origin=sender.origin,
        name=_name(body),
        options=options,
        folder=folder,
        cwd=sender.cwd,
        engine=engine,
    )


def pack(
    closure: Closure,
    *,
    source: str,
    outputs: Sequence[str],
    origin: Origin,
    name: str,
    options: JobOptions,
    folder: Path,
    cwd: Path,
    engine: Engine,
    imports: Collection[str] = (),
) -> SentCell:
    """Return the job that makes a closure again and runs source with it.

    Parameters
    ----------
    name
        What to call it where no option does.
    folder
        Where the closure's values are.
    imports
        Modules that the source imports itself.
    """
    modules = local_modules({*closure.modules, *imports})
    kernel, _ = find_kernel(DEFAULT_KERNEL, "python")
    travelling = find_files(options.files, cwd)
    spec = JobSpec(
        kind="cell",
        name=options.name or slug(name, "cell"),
        source=_SOURCE,
        path=origin.notebook,
        outputs=tuple(outputs),
        origin=origin,
        kernel=kernel,
        files=options.files,
        **common_fields(options, cwd=cwd, engine=engine),
    )
    content = {
        **closure.content(),
        "source": source,
        "cell": origin.number,
        "outputs": list(outputs),
    }
    draft = Draft(
        spec=spec,
        source=json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"),
        files=travelling.files,
        notes=travelling.notes,
        values=folder,
        modules=zipped(modules) if modules else None,
        code=Code(
            sources=(source, *closure.imports, *(piece.source for piece in closure.pieces)),
            modules=frozenset({*closure.modules, *imports, *closure.value_modules}),
            local=modules,
            pickled=tuple(e["name"] for e in closure.values if e["format"] == "pickle"),
        ),
    )
    return SentCell(draft=draft, closure=closure, modules=modules)


def _source(body: str, lines_before: int) -> str:
    if body.lstrip().startswith("%%"):
        return body.lstrip()  # a cell magic must come first, and numbers lines from there anyway
    return "\n".join([_HEADER, *["#"] * (lines_before - 1), body])


def _names(python: str) -> Names:
    # Compiled whole first, so that the error is the cell's own.
    compile(python, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return names_of(python)


def _outputs(text: str, names: Names) -> tuple[str, ...]:
    if text == "none":
        return ()
    outputs = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in outputs:
        if not name.isidentifier():
            raise InvalidOption(f"--out {name[:60]!r} is no name", next_step="-o model,scores")
        if name not in names.bound and name not in names.free and not names.has_star:
            raise InvalidOption(
                f"output {name!r} is never assigned in the cell",
                next_step=f"the cell assigns {', '.join(sorted(names.bound)) or 'nothing'}",
            )
    return outputs


def _gather(gatherer: Gatherer, inputs: str, names: Names, namespace: Mapping[str, Any]) -> None:
    required = set() if names.has_star else names.required
    if inputs == "auto":
        gatherer.names(names.free, required)
        return
    if inputs == "none":
        return
    listed = _listed(inputs)
    for name, expression in listed.items():
        if expression is not None:
            gatherer.value(name, _evaluated(name, expression, namespace))
    plain = [name for name, expression in listed.items() if expression is None]
    gatherer.names(plain, plain)
    # Values are those that were listed; what they and the cell need to run comes along.
    definitions = [name for name in names.free if name not in listed]
    for name in definitions:
        if gatherer.is_value(name):
            if name in required:
                raise UnsendableInput(
                    f"the cell reads {name!r}, which -i leaves out",
                    next_step=f"-i {inputs},{name}, or -i auto",
                )
            continue
        gatherer.names([name], [name] if name in required else [])


def _listed(inputs: str) -> dict[str, str | None]:
    """Return name → expression or None of ``a, b=f(1, 2)``."""
    try:
        call = ast.parse(f"_({inputs})", mode="eval").body
    except SyntaxError as error:
        raise InvalidOption(
            f"--in {inputs[:100]!r} are no names", next_step="-i df,alpha or -i x=df.x or -i none"
        ) from error
    assert isinstance(call, ast.Call)
    listed: dict[str, str | None] = {}
    for argument in call.args:
        if not isinstance(argument, ast.Name):
            raise InvalidOption(
                f"--in {ast.unparse(argument)[:60]!r} is no name",
                next_step=f"-i NAME={ast.unparse(argument)[:60]}",
            )
        listed[argument.id] = None
    return listed | {k.arg: ast.unparse(k.value) for k in call.keywords if k.arg}


def _evaluated(name: str, expression: str, namespace: Mapping[str, Any]) -> Any:
    try:
        # the user's own expression, in the user's own namespace
        return eval(expression, dict(namespace))
    except Exception as error:
        raise InvalidOption(
            f"--in {name}={expression[:60]}: {type(error).__name__}: {error}"
        ) from error


def _name(body: str) -> str:
    """Return a name from the first comment, or the first line that is no import."""
    lines = [line.strip() for line in body.splitlines() if line.strip()]
    comments = [line.lstrip("#%| ") for line in lines if line.startswith("#")]
    plain = [line for line in lines if not line.startswith(("#", "import ", "from ", "%", "!"))]
    return (comments or plain or lines)[0][:40]
