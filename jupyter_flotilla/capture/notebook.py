"""A notebook file with parameters → a draft."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.draft import Code, Draft, common_fields
from jupyter_flotilla.capture.files import find_files
from jupyter_flotilla.capture.kernels import DEFAULT_KERNEL, find_kernel
from jupyter_flotilla.capture.parameters import describe, inject
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidNotebook
from jupyter_flotilla.model.job import JobSpec, slug
from jupyter_flotilla.model.options import JobOptions

_SOURCE = "notebook.ipynb"
#: Cells that we put into executed notebooks; they are not run again.
_BANNER_TAG = "flotilla-banner"


def draft_notebook(path: Path, options: JobOptions, *, engine: Engine) -> Draft:
    """Return the job that runs a notebook file; the file is only read.

    Raises
    ------
    InvalidNotebook, UnknownParameter, UnknownKernel, InvalidOption
    """
    [draft] = draft_points(path, options, [{}], engine=engine)
    return draft


def draft_points(
    path: Path,
    options: JobOptions,
    points: Sequence[dict[str, Any]],
    *,
    engine: Engine,
) -> list[Draft]:
    """Return the jobs that run a notebook file, as it is at one moment, each at its point.

    Parameters
    ----------
    points
        Parameters of each job, beside those of ``options``.

    Raises
    ------
    InvalidNotebook, UnknownParameter, UnknownKernel, InvalidOption
    """
    path = readable_path(path)
    notebook = read_notebook(path)
    wanted = _mapping(notebook["metadata"], "kernelspec")
    language = wanted.get("language") or _mapping(notebook["metadata"], "language_info").get("name")
    kernel, note = find_kernel(str(wanted.get("name") or DEFAULT_KERNEL), language)
    travelling = find_files(options.files, path.parent)
    spec = JobSpec(
        kind="notebook",
        name=options.name or slug(path.stem, "notebook"),
        source=_SOURCE,
        path=str(path),
        kernel=kernel,
        files=options.files,
        **common_fields(options, cwd=path.parent, engine=engine),
    )
    drafts, code = [], Code(sources=_sources(notebook))
    for point in points:
        params = {**options.params, **point}
        injected = inject(notebook, params, path=path, kernel=kernel) if params else notebook
        drafts.append(
            Draft(
                spec=spec.model_copy(update={"params": params}),
                source=json.dumps(injected, ensure_ascii=False).encode("utf-8", "replace"),
                files=travelling.files,
                code=code,
                notes=((note,) if note else ()) + travelling.notes,
            )
        )
    return drafts


def notebook_parameters(path: Path) -> list[dict[str, Any]] | None:
    """Return the parameters of a notebook file as `parameters.describe`; raises InvalidNotebook."""
    return describe(read_notebook(readable_path(path)))


def _sources(notebook: dict[str, Any]) -> tuple[str, ...]:
    cells = (cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return tuple("".join(cell.get("source", "")) for cell in cells)


def readable_path(path: Path) -> Path:
    """Return an absolute path that can be stored; raises InvalidNotebook for one that cannot."""
    path = path.expanduser().absolute()
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InvalidNotebook(
            f"{path!r} is not UTF-8", next_step="rename the file or its folder"
        ) from error
    return path


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a notebook as JSON, in format 4, without outputs and our own banners.

    nbformat, with its second of imports, is needed for older formats only.

    Raises
    ------
    InvalidNotebook
        If it is missing, unreadable, not JSON or not a notebook.
    """
    notebook = _read_json(path)
    if not isinstance(notebook, dict) or not isinstance(notebook.get("nbformat"), int):
        raise InvalidNotebook(
            f"{path} is JSON but not a notebook", next_step="choose a file that Jupyter can open"
        )
    if notebook["nbformat"] < 4:
        notebook = _upgraded(notebook, path)
    if notebook["nbformat"] > 4:
        raise InvalidNotebook(
            f"{path} is a notebook of format {notebook['nbformat']}; formats up to 4 are known",
            next_step="save it as format 4",
        )
    _check_shape(notebook, path)
    notebook.setdefault("metadata", {})
    notebook.setdefault("nbformat_minor", 0)
    notebook["cells"] = [
        _without_outputs(cell)
        for cell in notebook["cells"]
        if _BANNER_TAG not in (cell["metadata"].get("tags") or [])
    ]
    plain: dict[str, Any] = notebook
    return plain


def _mapping(metadata: dict[str, Any], name: str) -> dict[str, Any]:
    value = metadata.get(name)
    return value if isinstance(value, dict) else {}


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InvalidNotebook(
            f"there is no file {path}", next_step=_near(path) or "check the path"
        ) from error
    except IsADirectoryError as error:
        raise InvalidNotebook(
            f"{path} is a folder", next_step="name the notebook file in it"
        ) from error
    except OSError as error:
        raise InvalidNotebook(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidNotebook(
            f"{path} is not valid notebook JSON: {error}",
            next_step="open and save it in Jupyter, or restore an earlier version",
        ) from error


def _near(path: Path) -> str | None:
    """Return a suggestion, where a notebook of nearly that name is there."""
    from difflib import get_close_matches

    if not path.parent.is_dir():
        return None
    names = [other.name for other in path.parent.glob("*.ipynb")]
    close = get_close_matches(path.name, names, n=3)
    return f"did you mean {' or '.join(close)}?" if close else None


def _upgraded(notebook: dict[str, Any], path: Path) -> dict[str, Any]:
    import nbformat

    try:
        upgraded = nbformat.convert(nbformat.from_dict(notebook), 4)
    except Exception as error:  # nbformat's converters raise whatever their input makes them
        raise InvalidNotebook(
            f"{path} is a notebook of format {notebook['nbformat']} that cannot be upgraded: "
            f"{error}",
            next_step="open and save it in Jupyter",
        ) from error
    plain: dict[str, Any] = json.loads(json.dumps(upgraded))
    return plain


def _check_shape(notebook: dict[str, Any], path: Path) -> None:
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not isinstance(notebook.get("metadata", {}), dict):
        raise InvalidNotebook(f"{path} has no list of cells", next_step="save it again in Jupyter")
    for number, cell in enumerate(cells, 1):
        if not _is_cell(cell):
            raise InvalidNotebook(
                f"{path}: cell {number} is not a notebook cell", next_step="save it in Jupyter"
            )
        cell.setdefault("metadata", {})
        if not isinstance(cell["metadata"].get("tags", []), list):
            del cell["metadata"]["tags"]


def _is_cell(cell: Any) -> bool:
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    source = cell.get("source", "")
    is_text = isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )
    return is_text and isinstance(cell.get("metadata", {}), dict)


def _without_outputs(cell: dict[str, Any]) -> dict[str, Any]:
    if cell["cell_type"] != "code":
        return cell
    return {**cell, "outputs": [], "execution_count": None}
