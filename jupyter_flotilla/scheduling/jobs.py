"""From what the user has in hand to what a schedule runs, and back to it with changes."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.repository import provenance
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import InvalidOption, UsageError
from jupyter_flotilla.model.address import masked
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Schedule, What
from jupyter_flotilla.model.schedule_options import read_repository
from jupyter_flotilla.model.tick_values import fill_all, tick_values
from jupyter_flotilla.scheduling.making import TickData, draft_of_git, injects
from jupyter_flotilla.service import Flotilla

#: Options that are merged name by name, where others replace.
_MERGED = ("params", "env", "secrets", "tags")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """What is to run: a file or a command, or neither where an edit leaves it as it is."""

    file: Path | None = None
    command: Sequence[str] | None = None
    #: ``snapshot``, ``file`` or ``REPO@REF``; None: as it is, or a snapshot.
    source: str | None = None
    #: Working directory of a command, and what relative paths begin at.
    folder: Path

    @property
    def is_nothing(self) -> bool:
        """Say whether nothing of this is given."""
        return self.file is None and self.command is None and self.source is None


def drafted(flotilla: Flotilla, asked: Asked, job: JobOptions) -> tuple[Draft, What]:
    """Return the job as it is now, and what a schedule runs of it at each tick.

    Raises
    ------
    UsageError, EnvironmentProblem
        For what could not be submitted either.
    """
    if asked.file is None and asked.command is None:
        raise UsageError(
            "there is nothing to schedule",
            next_step="jupyter flotilla schedule add FILE --when …, or … --when … -- COMMAND",
        )
    if asked.file is not None and asked.command is not None:
        raise InvalidOption("either a FILE or -- COMMAND, not both", next_step="leave one out")
    fill_all([job.params, list(asked.command or ())], tick_values(utc_now(), None, "UTC"))
    repository = read_repository(asked.source or "")
    if repository is not None:
        return _of_git(flotilla, asked, repository, job)
    if asked.file is not None:
        draft = flotilla.draft_file(asked.file, job)
        path = asked.file.expanduser().absolute()
        revision, author = provenance(path)
        spec = draft.spec.model_copy(update={"revision": revision, "author": author})
        draft = replace(draft, spec=spec)
    else:
        path = None
        draft = flotilla.draft_command(list(asked.command or ()), job, asked.folder)
    what = What(
        source="file" if asked.source == "file" else "snapshot",
        spec=draft.spec,
        options=_stored(job, draft.spec.engine),
        path=None if path is None else str(path),
    )
    return draft, what.model_copy(update={"injects": injects(draft, what.source, job.params)})


def redrafted(
    flotilla: Flotilla, schedule: Schedule, asked: Asked, changes: JobOptions
) -> tuple[Draft, What]:
    """Return the same of a schedule with changes; what is not asked for stays; raises as above.

    A snapshot stays what it was, unless a file, a command or a source is given.
    """
    what = schedule.what
    merged = _merge(what.options, changes)
    if asked.is_nothing and what.source == "snapshot":
        draft = flotilla.draft_retry(_as_run(schedule), changes)
        update = {
            "spec": draft.spec,
            "options": merged,
            "injects": injects(draft, what.source, draft.spec.params),
        }
        return draft, what.model_copy(update=update)
    job = JobOptions(**{k: v for k, v in merged.items() if k in JobOptions.model_fields})
    kept = {
        name: what.spec.env[name]
        for name, value in job.env.items()
        if value is None and name not in changes.env and name in what.spec.env
    }
    name = changes.name or schedule.name
    job = job.model_copy(update={"name": name, "env": {**job.env, **kept}})
    usual = f"{what.repo}@{what.ref}" if what.source == "git" else what.source
    asked = replace(asked, source=asked.source or usual)
    if asked.file is None and asked.command is None:
        cwd = Path(what.spec.cwd)
        is_command = what.path is None
        asked = replace(
            asked,
            file=None if what.path is None else Path(what.path),
            command=what.spec.command if is_command else None,
            folder=cwd if is_command and cwd.is_dir() else asked.folder,
        )
    return drafted(flotilla, asked, job)


def _of_git(
    flotilla: Flotilla, asked: Asked, repository: tuple[str, str], job: JobOptions
) -> tuple[Draft, What]:
    repo, ref = repository
    file = asked.file
    if file is not None and (file.is_absolute() or ".." in file.parts):
        raise InvalidOption(
            f"{file} is not below the top of {masked(repo)}", next_step="its path in the repository"
        )
    local = (asked.folder / Path(repo).expanduser()).absolute()
    # who runs it, and how, is as for any command that is submitted from here
    plain = job.model_copy(update={"params": {}, "files": ()})
    who = flotilla.draft_command(list(asked.command or ("true",)), plain, asked.folder).spec
    what = What(
        source="git",
        spec=who,
        options=_stored(job, who.engine),
        path=None if file is None else file.as_posix(),
        repo=str(local) if local.is_dir() else repo,
        ref=ref,
    )
    with tempfile.TemporaryDirectory(prefix="flotilla-git-") as folder:
        data = TickData(times=tick_values(utc_now(), None, "UTC"))
        draft = draft_of_git(flotilla, what, data, Path(folder))
    update = {"spec": draft.spec, "injects": injects(draft, what.source, job.params)}
    return draft, what.model_copy(update=update)


def _stored(job: JobOptions, engine: str) -> dict[str, Any]:
    asked = job.model_dump(mode="json", exclude_defaults=True, exclude={"profile", "name"})
    return {**asked, "engine": engine}


def _merge(before: Mapping[str, Any], changes: JobOptions) -> dict[str, Any]:
    given = changes.model_dump(mode="json", exclude_defaults=True, exclude={"profile", "name"})
    for name in _MERGED:
        if name in given:
            given[name] = {**before.get(name, {}), **given[name]}
    return {**before, **given}


def _as_run(schedule: Schedule) -> Run:
    """Return a snapshot as the run that it could have been: to be repeated, with changes."""
    return Run(
        id=schedule.what.snapshot_id or schedule.id,
        spec=schedule.what.spec,
        owner=schedule.owner,
        created_at=schedule.created_at,
    )
