"""What a schedule runs at a tick: a snapshot again, a file as it is then, or what git has then."""

import json
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.capture.again import draft_again
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.parameters import describe
from jupyter_flotilla.capture.repository import Repository, provenance
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.cloud import NUMBERS
from jupyter_flotilla.errors import FlotillaError, InvalidNotebook, Refused
from jupyter_flotilla.model.address import masked
from jupyter_flotilla.model.guard import month_start, reasons_to_ask
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import Schedule, Tick, What
from jupyter_flotilla.model.tick_values import (
    AFTER_NAMES,
    NAMES,
    fill_all,
    parameters,
    tick_values,
    variables,
)
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import costs


@dataclass(frozen=True, kw_only=True, slots=True)
class TickData:
    """A tick as data for its job."""

    #: By `tick_values.NAMES`.
    times: Mapping[str, datetime]
    #: By `tick_values.AFTER_NAMES`; empty for what is by the clock.
    after: Mapping[str, Any] = field(default_factory=dict)


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

    def adopted(self, schedule: Schedule, tick: Tick, run_id: str, then: JobSpec | None) -> Run:
        """Return the run of a tick that has begun elsewhere, its folder written.

        Nothing is refused: it runs. Where its snapshot is gone, its files are in the bucket alone.

        Parameters
        ----------
        then
            The job that has begun, where the schedule has another one by now.
        """
        with tempfile.TemporaryDirectory(prefix="flotilla-tick-") as folder:
            draft = Draft(spec=_at_tick(then or schedule.what.spec, schedule, tick))
            with suppress(FlotillaError, OSError):
                draft = draft if then else self.draft(schedule, tick, Path(folder))
            spec = draft.spec
            # of a process that was killed in between
            shutil.rmtree(self._flotilla.artifacts.input_folder(run_id), ignore_errors=True)
            self._flotilla.freeze(run_id, draft)
        return Run(
            id=run_id, spec=spec, owner=schedule.owner, created_at=tick.scheduled_at,
            ceiling_usd=self._flotilla.ceiling_usd(spec), schedule_id=schedule.id,
            scheduled_at=tick.scheduled_at,
        )  # fmt: skip

    def discard(self, run: Run) -> None:
        """Delete what `make` has written."""
        self._flotilla.artifacts.delete(run.id)

    def warm(self) -> None:
        """Import what reading notebooks needs, before it is waited for."""
        import jupyter_client.kernelspec  # noqa: F401
        import papermill.inspection
        import papermill.parameterize  # noqa: F401

    def draft(self, schedule: Schedule, tick: Tick, folder: Path) -> Draft:
        """Return the job of a tick.

        Parameters
        ----------
        folder
            For what is taken from git; its owner deletes it once the draft is frozen.
        """
        data = TickData(times=_times(schedule, tick), after=self._after(tick))
        drafted = {"snapshot": _again, "file": _of_file, "git": draft_of_git}
        draft = drafted[schedule.what.source](self._flotilla, schedule.what, data, folder)
        spec = _at_tick(draft.spec, schedule, tick).model_copy(update=self._place(draft))
        return replace(draft, spec=spec)

    def _place(self, draft: Draft) -> dict[str, str]:
        """Return where jobs of this machine are now: its name may have changed since."""
        is_here = draft.spec.bucket is None
        return {"place": self._flotilla.engine(draft.spec.engine).place} if is_here else {}

    def _after(self, tick: Tick) -> dict[str, Any]:
        """Return what a tick runs after, as `AFTER_NAMES` have it; empty: it is by the clock."""
        if not tick.after_runs:
            return {}
        notebooks, metrics = [], {}
        for run_id, (run, made) in self._flotilla.get_all(tick.after_runs).items():
            folder = self._flotilla.attempt_folder(run_id, max(1, run.attempt))
            if run.spec.kind == "notebook":
                notebooks.append(str(folder / protocol.NOTEBOOK))
            metrics.update(made[-1].metrics if made else {})
        values = (list(tick.after_runs), notebooks, metrics)
        return dict(zip(AFTER_NAMES, values, strict=True))

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


def _times(schedule: Schedule, tick: Tick) -> dict[str, datetime]:
    return tick_values(tick.scheduled_at, tick.interval_start, schedule.when.zone)


def _at_tick(spec: JobSpec, schedule: Schedule, tick: Tick) -> JobSpec:
    """Return a job that is told its tick."""
    times = _times(schedule, tick)
    told = variables(times)
    if tick.after_runs:
        told["FLOTILLA_AFTER_RUNS"] = " ".join(tick.after_runs)
    update = {
        "name": schedule.name,
        "command": tuple(fill_all(list(spec.command), times)),
        "env": {**spec.env, **told},
    }
    return spec.model_copy(update=update)


def _again(flotilla: Flotilla, what: What, data: TickData, folder: Path) -> Draft:
    source = flotilla.artifacts.input_folder(what.snapshot_id or "")
    if what.snapshot_id is None or not source.parent.is_dir():
        raise InvalidNotebook(
            "its snapshot is gone", next_step="jupyter flotilla schedule edit NAME FILE"
        )
    params: dict[str, Any] = {}
    if what.spec.kind == "notebook" and what.spec.source is not None:
        given, notebook = what.spec.params, (source / what.spec.source).read_bytes()
        params = _params(notebook, given, data)
        # what stays as it is stands in the snapshot already
        params = {k: v for k, v in params.items() if k not in given or given[k] != v}
    return draft_again(what.spec, source, JobOptions(params=params))


def _of_file(flotilla: Flotilla, what: What, data: TickData, folder: Path) -> Draft:
    if what.path is None:  # a command: its files are as they are anyway
        cwd = Path(what.spec.cwd)
        draft = flotilla.draft_command(what.spec.command, _options(what, {}), cwd)
        return replace(draft, spec=_as_saved(draft.spec, what.spec))
    path = Path(what.path)
    draft = flotilla.draft_file(path, _options(what, _read_params(path, what, data)))
    revision, author = provenance(path)
    said = {"revision": revision, "author": author}
    return replace(draft, spec=_as_saved(draft.spec, what.spec).model_copy(update=said))


def draft_of_git(flotilla: Flotilla, what: What, data: TickData, folder: Path) -> Draft:
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
    if what.path is None:
        draft = flotilla.draft_command(what.spec.command, _options(what, {}), top)
    else:
        path = top / Path(what.path).name
        draft = flotilla.draft_file(path, _options(what, _read_params(path, what, data)))
    place = Path(what.repo or "").expanduser().absolute() / inside
    update = {
        "own_cwd": True,
        "files": (".",),
        "cwd": str(place if place.is_dir() else flotilla.settings.home),
        "path": masked(f"{what.repo}/{what.path}") if what.path else None,
        "revision": commit[:12],
        "author": repository.author(commit, what.path),
    }
    spec = _as_saved(draft.spec, what.spec).model_copy(update=update)
    files = [path for path in sorted(top.rglob("*")) if path.is_file()]
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


def _read_params(path: Path, what: What, data: TickData) -> dict[str, Any]:
    given: dict[str, Any] = what.options.get("params", {})
    try:
        content = path.read_bytes() if path.suffix == ".ipynb" else b""
    except OSError:
        return given  # whoever reads it next says what is wrong
    return _params(content, given, data)


def _params(notebook: bytes, given: Mapping[str, Any], data: TickData) -> dict[str, Any]:
    """Return a notebook's parameters at a tick; papermill is asked where it may declare one."""
    if not any(name.encode() in notebook for name in (*NAMES, *AFTER_NAMES)):
        return parameters({}, given, data.times)
    try:
        found = describe(json.loads(notebook)) or []
    except (ValueError, KeyError, TypeError, AttributeError):
        return dict(given)
    declared = {one["name"]: one["type"] for one in found}
    return parameters(declared, given, data.times, data.after)


def placeholders(notebook: bytes, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of a notebook that each tick has others of, as names in braces.

    Of what is declared as a number there are numbers that stand for them (`NUMBERS`).
    """
    if not any(name.encode() in notebook for name in NAMES):
        return {}
    try:
        found = describe(json.loads(notebook)) or []
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}
    kinds = {one["name"]: one["type"] for one in found if one["name"] in NAMES}
    return {name: _stand_in(name, kind) for name, kind in kinds.items() if name not in given}


def _stand_in(name: str, kind: str | None) -> Any:
    if kind == "int":
        return NUMBERS[name]
    return NUMBERS[name] + 0.5 if kind == "float" else f"{{{name}}}"


def injects(draft: Draft, source: str, given: Mapping[str, Any]) -> bool:
    """Say whether a job's ticks put parameters into a notebook: others need no papermill.

    Parameters
    ----------
    given
        Parameters that were asked for: a snapshot has those that stay the same already.
    """
    if draft.spec.kind != "notebook":
        return False
    is_read = any(name.encode() in (draft.source or b"") for name in (*NAMES, *AFTER_NAMES))
    return is_read or bool(given and source != "snapshot")


def copy_snapshot(flotilla: Flotilla, what: What, to: str) -> None:
    """Copy the folder of a snapshot to another id; raises FlotillaError where it is gone."""
    source = flotilla.artifacts.run_folder(what.snapshot_id or "")
    if what.snapshot_id is None or not source.is_dir():
        raise FlotillaError("the snapshot of that schedule is gone")
    copy = flotilla.artifacts.run_folder(to)
    shutil.copytree(source, copy, dirs_exist_ok=False)
    copy.touch()  # it is as new as its schedule
