"""What a build is given: the Dockerfile, and a layer laid out as pip would have installed it.

A folder on ``PYTHONPATH`` would be simpler, but is stronger than anything that an image made from
ours installs later. In the place where the base's own Python installs, a later ``pip install``
replaces a package as it does everywhere, and a layer that a job brings is still stronger.
"""

import csv
import io
import json
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from jupyter_flotilla.errors import EnvironmentProblem

#: Prints one JSON line for `read_scheme`, run by the base's Python; standard library only, ≥ 3.8.
SCHEME = """\
import json, os, sysconfig
names = ("purelib", "scripts", "data")
print(json.dumps({"flotilla_scheme": [os.path.realpath(sysconfig.get_path(n)) for n in names]}))
"""
#: Top-level folders of a layer that are no packages, but what wheels put beside them.
_DATA = ("share", "etc", "man", "include")
_SCRIPTS = "bin"
_OWN = PurePosixPath("/opt/flotilla")
#: A fixed date: the same packages give the same bytes, which the builder then need not copy again.
_TIME_S = 1_577_836_800
#: Of a layer whose .pth files nobody else would read; Python reads them where pip installs.
_NOT_COPIED = "sitecustomize.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scheme:
    """Where the Python of an image installs: packages, programs, and all other files."""

    packages: PurePosixPath
    scripts: PurePosixPath
    data: PurePosixPath

    def place(self, name: PurePosixPath) -> PurePosixPath:
        """Return where a file of a layer belongs, by its path in the layer."""
        if name.parts[0] == _SCRIPTS:
            return self.scripts / name.relative_to(_SCRIPTS)
        return (self.data if name.parts[0] in _DATA else self.packages) / name


def read_scheme(text: str) -> Scheme:
    """Return what `SCHEME` has printed; raises EnvironmentProblem where it has not."""
    for line in reversed(text.splitlines()):
        if '"flotilla_scheme"' in line and line.startswith("{"):
            packages, scripts, data = map(PurePosixPath, json.loads(line)["flotilla_scheme"])
            return Scheme(packages=packages, scripts=scripts, data=data)
    raise EnvironmentProblem(
        f"the base image does not say where its Python installs: {text.strip()[-200:]}",
        next_step="--base with another image",
    )


def write_context(
    file: IO[bytes], dockerfile: str, requirements: str, layer: Path, scheme: Scheme
) -> None:
    """Write a build context as a tar file; it says nothing of this machine.

    Parameters
    ----------
    requirements
        A package a line.
    layer
        Folder as `environment.build_layer` makes it.

    Raises
    ------
    OSError
    """
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        context = _Context(archive)
        context.add("Dockerfile", dockerfile.encode())
        context.add("requirements.txt", requirements.encode())
        context.add_to_root(_OWN / "requirements.txt", requirements.encode())
        compiled = "".join(f"{scheme.packages / name}\n" for name in _to_compile(layer))
        context.add_to_root(_OWN / "compiled.txt", compiled.encode())
        for name in _files(layer):
            path = layer / name
            content = None
            if name.name == "RECORD" and name.parent.suffix == ".dist-info":
                content = record_for(path.read_text(encoding="utf-8"), scheme).encode()
            context.add_to_root(scheme.place(name), content, path)


def record_for(record: str, scheme: Scheme) -> str:
    """Return a RECORD (PEP 376) whose paths are true where the image has the files."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    for row in csv.reader(record.splitlines()):
        if row:
            place = scheme.place(PurePosixPath(row[0]))
            writer.writerow([os.path.relpath(place, scheme.packages), *row[1:]])
    return lines.getvalue()


class _Context:
    """A tar file in which every folder comes before what is in it, open to all."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self._folders: set[PurePosixPath] = set()

    def add_to_root(
        self, place: PurePosixPath, content: bytes | None, path: Path | None = None
    ) -> None:
        """Add a file of the image: with this content, or with that of a file here."""
        name = PurePosixPath("root", *place.parts[1:])
        for folder in reversed(name.parents[:-1]):
            if folder not in self._folders:
                self._folders.add(folder)
                self._archive.addfile(_info(str(folder), tarfile.DIRTYPE, 0o755))
        if content is not None or path is None:
            self.add(str(name), content or b"")
            return
        if path.is_symlink():
            link = _info(str(name), tarfile.SYMTYPE, 0o777)
            link.linkname = os.readlink(path)  # noqa: PTH115 - as it is written, not resolved
            self._archive.addfile(link)
            return
        is_program = bool(path.stat().st_mode & 0o100)
        info = _info(str(name), tarfile.REGTYPE, 0o755 if is_program else 0o644)
        info.size = path.stat().st_size
        with path.open("rb") as file:
            self._archive.addfile(info, file)

    def add(self, name: str, content: bytes) -> None:
        """Add a file with some content."""
        info = _info(name, tarfile.REGTYPE, 0o644)
        info.size = len(content)
        self._archive.addfile(info, io.BytesIO(content))


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime = kind, mode, _TIME_S
    return info


def _files(layer: Path) -> Iterator[PurePosixPath]:
    for folder, folders, files in os.walk(layer):
        folders.sort()
        here = PurePosixPath(Path(folder).relative_to(layer).as_posix())
        for name in sorted(files):
            if name != _NOT_COPIED or here.parts or _is_of_a_package(layer, name):
                yield here / name


def _is_of_a_package(layer: Path, name: str) -> bool:
    records = (path.read_text(encoding="utf-8") for path in layer.glob("*.dist-info/RECORD"))
    return any(line.startswith(f"{name},") for record in records for line in record.splitlines())


def _to_compile(layer: Path) -> Iterator[str]:
    """Yield the packages and modules of a layer: the base's own stay as they are."""
    for path in sorted(layer.iterdir()):
        is_package = path.is_dir() and path.suffix not in (".dist-info", ".libs")
        is_source = is_package or path.suffix == ".py"
        if is_source and path.name not in (_SCRIPTS, *_DATA, _NOT_COPIED):
            yield path.name
