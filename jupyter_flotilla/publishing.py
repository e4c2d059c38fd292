"""Addresses that stay: the file of a name is always that of the latest run that was good."""

import os
import shutil
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from jupyter_flotilla.artifacts.local import disk_errors
from jupyter_flotilla.artifacts.mirrored import s3_of
from jupyter_flotilla.clock import utc_text
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.fetched import open_below
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import publications

_FOLDER = "published"
#: A larger notebook becomes no page: making it takes some four times its size in memory.
_LARGEST_PAGE = 100 * 2**20


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """What is published under a name now."""

    name: str
    path: Path
    #: ``s3://…`` where the run had a bucket; None: it is on this machine alone.
    url: str | None
    run_id: str
    #: The run's tick, or when it was submitted; and when it was published.
    as_of: datetime
    published_at: datetime

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "name": self.name, "path": str(self.path), "url": self.url, "run": self.run_id,
            "as_of": utc_text(self.as_of), "published_at": utc_text(self.published_at),
        }  # fmt: skip


def all_published(flotilla: Flotilla) -> list[Published]:
    """Return all that is published, by name."""
    with flotilla.store.read() as tx:
        found = publications.published(tx)
    return [
        Published(
            name=one.name,
            path=flotilla.settings.home / _FOLDER / one.name,
            url=one.url,
            run_id=one.run_id,
            as_of=one.as_of,
            published_at=one.published_at,
        )
        for one in found
        if one.published_at is not None
    ]


def publish(flotilla: Flotilla, run: Run, name: str, path: str | None) -> str | None:
    """Swap what is published under a name; return its address in the run's bucket, or None.

    Whoever reads meanwhile has the old file or the new one, whole.

    Parameters
    ----------
    path
        File that the job has brought back; None: the executed notebook.

    Raises
    ------
    EnvironmentProblem
        If there is no such file, or no room. What was published before stays.
    ArtifactsUnavailable
    """
    folder = flotilla.settings.home / _FOLDER
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd, temporary = tempfile.mkstemp(prefix=".new-", dir=folder)
    try:
        with disk_errors(folder), os.fdopen(fd, "wb") as file:
            _write(RunHandle(flotilla, run), path, name, file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(folder / name)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return None if run.spec.bucket is None else s3_of(run.spec.bucket).publish(name, folder / name)


def _write(handle: RunHandle, path: str | None, name: str, file: BinaryIO) -> None:
    try:
        if path is not None:
            with closing(handle.files().open(path)) as source:
                shutil.copyfileobj(source, file, 2**20)
            return
        notebook = handle.notebook_path
        with open_below(notebook.parent, notebook.name) as source:
            if name.endswith(".html") and os.fstat(source.fileno()).st_size > _LARGEST_PAGE:
                raise EnvironmentProblem(
                    f"--publish {name}: the notebook is larger than {_LARGEST_PAGE // 2**20} MB, "
                    "which no browser shows",
                    next_step=f"--publish {Path(name).stem}.ipynb, or fewer outputs",
                )
            content = source.read()
    except (KeyError, OSError) as error:
        what = path or "the executed notebook"
        raise EnvironmentProblem(
            f"--publish {name}: the run has no {what}",
            next_step=f"jupyter flotilla files {handle.short_id}",
        ) from error
    file.write(_html(content, name) if name.endswith(".html") else content)


def _html(content: bytes, name: str) -> bytes:
    import nbformat
    from nbconvert.exporters import HTMLExporter

    notebook = nbformat.reads(content.decode("utf-8", "replace"), as_version=4)
    resources = {"metadata": {"name": Path(name).stem}}
    text, _ = HTMLExporter().from_notebook_node(notebook, resources)
    return str(text).encode("utf-8", "replace")
