"""Local modules that a cell imports: they travel as a zip file, in the layout they have here."""

import ast
import io
import site
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

from jupyter_flotilla.capture.ignore import IgnoreRules, spec_of
from jupyter_flotilla.protocol.globs import Glob, walk

#: Larger files of a package travel only with ``--files``.
_LARGEST_BYTES = 10 * 2**20
#: Never travel.
_IGNORED = spec_of((".*", "*.pyc", "*.egg-info", "node_modules"))
#: A fixed date: the same files give the same bytes, and so the same digest.
_DATE = (2020, 1, 1, 0, 0, 0)


def local_modules(names: Iterable[str]) -> dict[str, Path]:
    """Return the files of local modules, and of those that they import, by their place in a zip.

    Local is what lies neither in the standard library nor in ``site-packages``. Of a package all
    of it travels, also where it is installed in editable mode.

    Parameters
    ----------
    names
        Modules as they are imported: ``helpers``, ``package.module``.
    """
    found: dict[str, Path] = {}
    todo, done = {name.partition(".")[0] for name in names}, set()
    while todo:
        top = todo.pop()
        done.add(top)
        files = dict(_files_of(top))
        found |= files
        for path in files.values():
            if path.suffix == ".py":
                todo |= _imported_by(path) - done
    return found


def imported_modules(source: str) -> set[str]:
    """Return the modules that source imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def zipped(files: dict[str, Path]) -> bytes:
    """Return files as the bytes of a zip file: the same for the same files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), path.read_bytes())
    return buffer.getvalue()


def _files_of(top: str) -> Iterator[tuple[str, Path]]:
    """Yield what belongs to a top-level module; nothing of what is installed everywhere."""
    if top in sys.builtin_module_names or top in sys.stdlib_module_names or top == "__main__":
        return
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return
    if spec is None:
        return
    for folder in spec.submodule_search_locations or ():
        root = Path(folder)
        if _is_local(root):
            yield from ((f"{top}/{name}", path) for name, path in _inside(root))
    if spec.submodule_search_locations is None and spec.origin and _is_local(Path(spec.origin)):
        yield Path(spec.origin).name, Path(spec.origin)


def _inside(root: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files of a package, without what ignore files leave out (`capture.files`)."""
    rules = IgnoreRules(root)

    def is_left_out(name: str, is_folder: bool) -> bool:
        is_never = _IGNORED.check_file(name.rpartition("/")[2]).include
        return bool(is_never) or rules.leaves_out(name, is_folder)

    for found in walk(str(root), Glob("."), is_left_out):
        path = Path(found.path)
        is_file = found.kind == "file" or (found.kind == "out" and path.is_file())
        if is_file and _has_plain_name(found.name) and path.stat().st_size <= _LARGEST_BYTES:
            yield found.name, path


def _has_plain_name(name: str) -> bool:
    """Say whether a zip file can hold a name; no module has another one."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_local(path: Path) -> bool:
    real = path.resolve()
    places = [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    own = Path(__file__).parents[1].resolve()
    return not any(real.is_relative_to(Path(place).resolve()) for place in places) and (
        not real.is_relative_to(own)
    )


def _imported_by(path: Path) -> set[str]:
    try:
        names = imported_modules(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return set()
    return {name.partition(".")[0] for name in names}
