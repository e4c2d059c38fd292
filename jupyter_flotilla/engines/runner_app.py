"""Builds the runner's zipapp: one file that any Python from 3.8 on can run."""

import hashlib
import io
import os
import tempfile
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_MAIN = """import runpy
runpy.run_module("jupyter_flotilla.runner.__main__", run_name="__main__")
"""
#: The package inside is only a door to ``job``; the real one, where installed, comes first on the
#: kernel's path.
_INIT = '"""What travels with a job of jupyter_flotilla."""\n'


def runner_app(folder: Path) -> Path:
    """Return the path of the runner in ``folder``, written there if it is not yet.

    Named by its content, so processes of several versions never share or overwrite one.
    """
    content = _content()
    path = folder / f"runner-{hashlib.sha256(content).hexdigest()[:16]}.pyz"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(dir=folder)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
        Path(temporary).replace(path)
    return path


@cache
def _content() -> bytes:
    package = Path(__file__).parents[1]
    sources = [
        package / "job.py",
        *sorted((package / "protocol").glob("*.py")),
        *sorted((package / "runner").glob("*.py")),
        *sorted((package / "bootstrap").glob("*.py")),
    ]
    files = {
        f"jupyter_flotilla/{path.relative_to(package)}": path.read_text(encoding="utf-8")
        for path in sources
    }
    files |= {"__main__.py": _MAIN, "jupyter_flotilla/__init__.py": _INIT}
    return zipapp(files, zipfile.ZIP_STORED)


def zipapp(files: Mapping[str, str], compression: int) -> bytes:
    """Return a program of many files as one: the same sources give the same bytes.

    Parameters
    ----------
    files
        Place in it → text; ``__main__.py`` is what runs.
    compression
        Of `zipfile`; stored is read faster.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))  # a fixed date
            archive.writestr(entry, text, compression)
    return buffer.getvalue()
