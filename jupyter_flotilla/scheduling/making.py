"""What a schedule runs at a tick: a snapshot again, a file as it is then, or what git has then."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.again import draft_again
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.parameters import describe
from jupyter_flotilla.capture.repository import Repository, provenance
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import FlotillaError, InvalidNotebook, Refused
from jupyter_flotilla.model.guard import month_start, reasons_to_ask
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Schedule, Tick, What
from jupyter_flotilla.model.tick_values import NAMES, fill_all, parameters, tick_values, variables
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import costs


class TickMaker:
    """Makes the runs of ticks, with what the service has."""

    def __init__(self, flotilla: Flotilla) -> None:
        self._flotilla = flotilla

    def make(self, schedule: Schedule, tick: Tick) -> Run:
        """Return the run of a tick, its folder written; it is in no store yet.

        Raises
        ------
        FlotillaError
            If what is to run is gone or refused; nothing is left then.
        """
        with tempfile.TemporaryDirectory(prefix="flotilla-tick-") as folder:
            draft = self.draft(schedule, tick, Path(folder))
            run = self._flotilla.new_run(draft).model_copy(
                update={"schedule_id": schedule.id, "scheduled_at": tick.scheduled_at}
            )
            self._check_budget(run)
            is_whole = False
            try:
                self._flotilla.provision.build(draft)
                self._flotilla.freeze(run.id, draft)
                is_whole = True
            finally:
                if not is_whole:
                    self.discard(run)
        return run

    def discard(self, run: Run) -> None:
        """Delete what `make` has written."""
        self._flotilla.artifacts.delete(run.id)

    def warm(self) -> None:
        """Import what reading notebooks needs, before it is waited for."""
        import papermill.parameterize  # noqa: F401

    def draft(self, schedule: Schedule, tick: Tick, folder: Path) -> Draft:
        """Return the job of a tick.

        Parameters
        ----------
        folder
            For what is taken from git; its owner deletes it once the draft is frozen.
        """
        values = tick_values(tick.scheduled_at, tick.interval_start, schedule.when.zone)
        drafted = {"snapshot": self._again, "file": self._of_file, "git": self._of_git}
        draft = drafted[schedule.what.source](schedule.what, values, folder)
        after = self._after(tick)
        spec = draft.spec.model_copy(
            update={
                "name": schedule.name,
                "command": tuple(fill_all(list(draft.spec.command), values)),
                "env": {**draft.spec.env, **variables(values), **after},
            }
        )
        return replace(draft, spec=spec)

    def _after(self, tick: Tick) -> dict[str, str]:
        """Return the variables that tell a job which runs it comes after, and where they are."""
        if not tick.after_runs:
            return {}
        artifacts, store = self._flotilla.artifacts, self._flotilla
        folders = [
            str(artifacts.attempt_folder(run.id, max(1, run.attempt)))
            for run in (store.get(run_id) for run_id in tick.after_runs)
        ]
        return {
            "FLOTILLA_AFTER_RUNS": " ".join(tick.after_runs),
            "FLOTILLA_AFTER_FOLDERS": json.dumps(folders),
        }

    def _again(self, what: What, values: Mapping[str, datetime], folder: Path) -> Draft:
        source = self._flotilla.artifacts.input_folder(what.snapshot_id or "")
        if what.snapshot_id is None or not source.parent.is_dir():
            raise InvalidNotebook(
                "its snapshot is gone", next_step="jupyter flotilla schedule edit NAME --source …"
            )
        params: dict[str, Any] = {}
        if what.spec.kind == "notebook" and what.spec.source is not None:
            notebook = (source / what.spec.source).read_bytes()
            params = _params(notebook, what.spec.params, values)
            params = {k: v for k, v in params.items() if what.spec.params.get(k) != v}
        return draft_again(what.spec, source, JobOptions(params=params))

    def _of_file(self, what: What, values: Mapping[str, datetime], folder: Path) -> Draft:
        if what.path is None:  # a command: its files are as they are anyway
            options = _options(what, {})
            draft = self._flotilla.draft_command(what.spec.command, options, Path(what.spec.cwd))
            return replace(draft, spec=_as_saved(draft.spec, what.spec))
        path = Path(what.path)
        draft = self._flotilla.draft_file(path, _options(what, _read_params(path, what, values)))
        revision, author = provenance(path)
        spec = _as_saved(draft.spec, what.spec)
        return replace(draft, spec=spec.model_copy(update={"revision": revision, "author": author}))

    def _of_git(self, what: What, values: Mapping[str, datetime], folder: Path) -> Draft:
        return draft_of_git(self._flotilla, what, values, folder)

    def _check_budget(self, run: Run) -> None:
        """Refuse what would pass the month's budget: nobody can be asked at a tick."""
        budget = self._flotilla.settings.monthly_budget
        if budget is None:
            return
        with self._flotilla.store.read() as tx:
            spent = costs.total_usd(tx, run.spec.engine, month_start(utc_now()))
        reasons = reasons_to_ask(
            bills=False, ceiling_usd=run.ceiling_usd, timeout_s=run.spec.timeout_s,
            confirm_above_usd=None, monthly_budget_usd=budget, month_usd=spent,
        )  # fmt: skip
        if reasons:
            raise Refused("; ".join(reasons), next_step="a larger monthly_budget, or next month")


def draft_of_git(
    flotilla: Flotilla, what: What, values: Mapping[str, datetime], folder: Path
) -> Draft:
    """Return the job that runs what a repository has now; it gets a folder of its own.

    Files of the notebook's folder travel with it, of a command those of the whole repository.

    Raises
    ------
    FlotillaError
        If the repository or the file cannot be had.
    """
    repository = Repository(what.repo or "", flotilla.settings.home / "git")
    commit = repository.commit(what.ref or "HEAD")
    inside = str(Path(what.path).parent) if what.path else ""
    top = folder / "tree"
    top.mkdir()
    repository.extract(commit, inside, top)
    files = [path for path in sorted(top.rglob("*")) if path.is_file()]
    if what.path is None:
        options = _options(what, {})
        draft = flotilla.draft_command(what.spec.command, options, top)
    else:
        path = top / Path(what.path).name
        draft = flotilla.draft_file(path, _options(what, _read_params(path, what, values)))
    place = Path(what.repo or "").expanduser().absolute() / inside
    update = {
        "own_cwd": True,
        "files": (".",),
        "cwd": str(place if place.is_dir() else flotilla.settings.home),
        "path": f"{what.repo}/{what.path}" if what.path else None,
        "revision": commit[:12],
        "author": repository.author(commit, what.path),
    }
    spec = _as_saved(draft.spec, what.spec).model_copy(update=update)
    return replace(draft, spec=spec, files={str(p.relative_to(top)): p for p in files})


def _as_saved(now: JobSpec, saved: JobSpec) -> JobSpec:
    """Return a job with who runs it as it was saved: a dispatcher may be of another environment."""
    same = ("interpreter", "env", "umask", "engine", "place", "bucket")
    update: dict[str, Any] = {name: getattr(saved, name) for name in same}
    if now.kernel is not None and saved.kernel is not None and now.kernel.name == saved.kernel.name:
        update["kernel"] = saved.kernel
    return now.model_copy(update=update)


def _options(what: What, params: Mapping[str, Any]) -> JobOptions:
    known = {k: v for k, v in what.options.items() if k in JobOptions.model_fields}
    # their variables are in the saved environment already, copied from where it was saved
    return JobOptions(**{**known, "params": dict(params), "env": {}})


def _read_params(path: Path, what: What, values: Mapping[str, datetime]) -> dict[str, Any]:
    given: dict[str, Any] = what.options.get("params", {})
    try:
        content = path.read_bytes() if path.suffix == ".ipynb" else b""
    except OSError:
        return given  # whoever reads it next says what is wrong
    return _params(content, given, values)


def _params(
    notebook: bytes, given: Mapping[str, Any], values: Mapping[str, datetime]
) -> dict[str, Any]:
    """Return a notebook's parameters at a tick; papermill is asked where it may declare one."""
    if not any(name.encode() in notebook for name in NAMES):
        return parameters({}, given, values)
    try:
        found = describe(json.loads(notebook)) or []
    except (ValueError, KeyError, TypeError, AttributeError):
        return dict(given)
    return parameters({one["name"]: one["type"] for one in found}, given, values)


def copy_snapshot(flotilla: Flotilla, what: What, to: str) -> None:
    """Copy the folder of a snapshot to another id; raises FlotillaError where it is gone."""
    source = flotilla.artifacts.run_folder(what.snapshot_id or "")
    if what.snapshot_id is None or not source.is_dir():
        raise FlotillaError("the snapshot of that schedule is gone")
    shutil.copytree(source, flotilla.artifacts.run_folder(to), dirs_exist_ok=False)
