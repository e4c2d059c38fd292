"""Routes that launch: what a form needs, what a launch would cost, and the launch."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.capture.notebook import notebook_parameters
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.model.grid_options import GRID_OPTIONS, GridOptions
from jupyter_flotilla.model.guard import month_start
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.options import OPTIONS, JobOptions
from jupyter_flotilla.model.precedence import Resolution
from jupyter_flotilla.model.schedule_options import SCHEDULE_OPTIONS
from jupyter_flotilla.model.units import size_option
from jupyter_flotilla.planning import GridPlan, Plan
from jupyter_flotilla.server.context import Context
from jupyter_flotilla.server.copied import commands
from jupyter_flotilla.server.handler import Request
from jupyter_flotilla.server.places import engines
from jupyter_flotilla.server.wire.launch import (
    CommandJob,
    Commands,
    FileJob,
    RetryJob,
    SourceJob,
    What,
)
from jupyter_flotilla.settings import load_job_defaults
from jupyter_flotilla.store import costs

#: Files that a plan lists.
_FILES_LISTED = 500


class _Asked:
    """A launch that was asked for: drafted, planned, and submitted if that is wished."""

    def __init__(self, context: Context, what: What, options: Mapping[str, Any]) -> None:
        self._facade = context.flotilla
        self.what = what
        self.options = dict(options)
        self.retry_of: str | None = None
        self._file = context.file(what.path) if isinstance(what, FileJob) else None
        self._folder = self._folder_of(context)
        self.resolution: Resolution | None = None
        if isinstance(what, RetryJob):
            self._no_grid("a run is repeated as it was")
            self.retry_of = context.flotilla.get(what.run).id
            return
        self.resolution = self._facade.defaults.resolve(
            self.options, file=self._file, folder=self._folder
        )

    @property
    def asks(self) -> list[str]:
        """What comes unseen with the file or its project, and must be agreed to."""
        return [] if self.resolution is None else [ask.sentence for ask in self.resolution.asks]

    def agree(self) -> None:
        """Agree to that, until it changes."""
        if self.resolution is not None and self.resolution.asks:
            self._facade.defaults.agree(self.resolution.asks)
            self.resolution = self._facade.defaults.resolve(
                self.options, file=self._file, folder=self._folder
            )

    def drafts(self) -> tuple[list[Draft], GridOptions | None]:
        """Return the jobs, and the grid that they are of; raises as the façade's drafts do."""
        if self.resolution is None:
            run = self._facade.get(str(self.retry_of))
            return [self._facade.draft_retry(run, self._facade.changes(self.options))], None
        job = JobOptions(**self.resolution.values(OPTIONS))
        if self.options.get("grid") or self.options.get("points"):
            if not isinstance(self.what, FileJob) or self._file is None:
                self._no_grid("only notebooks take parameters")
            limits = GridOptions(**self.resolution.values(GRID_OPTIONS))
            assert self._file is not None
            return self._facade.draft_points(self._file, job, limits.expand()), limits
        return [self._draft(job)], None

    def plan(self, drafts: list[Draft], limits: GridOptions | None) -> Plan:
        """Return what it would do and cost; raises as the façade does."""
        if limits is None:
            return self._facade.plan(drafts[0])
        return self._facade.plan_grid(drafts, limits)

    def _draft(self, job: JobOptions) -> Draft:
        if self._file is not None:
            return self._facade.draft_file(self._file, job)
        if isinstance(self.what, SourceJob):
            return self._facade.draft_source(self.what.source, job, self._folder)
        assert isinstance(self.what, CommandJob)
        return self._facade.draft_command(self.what.argv, job, self._folder)

    def _folder_of(self, context: Context) -> Path:
        if self._file is not None:
            return self._file.parent
        if isinstance(self.what, SourceJob) and self.what.path:
            return context.path_of(self.what.path).parent
        return context.folder(self.what.folder if isinstance(self.what, CommandJob) else "")

    def _no_grid(self, why: str) -> None:
        for option in GRID_OPTIONS:
            if option.py in self.options:
                raise InvalidOption(f"{option.py}: {why}", next_step=f"leave {option.py} out")


def form(context: Context, request: Request) -> dict[str, Any]:
    """Return all that a form needs: places, options, the notebook's parameters, defaults."""
    what = request.body.what
    facade = context.flotilla
    parameters, file, folder = None, None, context.folder("")
    if isinstance(what, FileJob):
        file = context.file(what.path)
        folder = file.parent
        if file.suffix == ".ipynb":
            parameters = notebook_parameters(file)
    defaults = facade.defaults.resolve({}, file=file, folder=folder)
    return {
        "engines": engines(context),
        "options": [_option(option) for option in (*OPTIONS, *GRID_OPTIONS)],
        "schedule_options": [_option(option) for option in SCHEDULE_OPTIONS],
        "parameters": parameters,
        "profiles": sorted(load_job_defaults().profiles),
        "defaults": {
            keyword: {"value": _shown(keyword, one.value), "source": one.source}
            for keyword, one in defaults.decided.items()
            if one.source
        },
    }


def plan(context: Context, request: Request) -> dict[str, Any]:
    """Return what a launch would do and cost; nothing is launched."""
    asked = _Asked(context, request.body.what, request.body.options)
    drafts, limits = asked.drafts()
    found = asked.plan(drafts, limits)
    return plan_json(
        context,
        found,
        asks=[*asked.asks, *found.asks],
        notes=asked.resolution.notes if asked.resolution else (),
        copied=commands(asked.what, asked.options),
    )


def plan_json(
    context: Context, found: Plan, *, asks: Sequence[str], notes: Sequence[str], copied: Commands
) -> dict[str, Any]:
    """Return a plan as JSON values.

    Parameters
    ----------
    asks
        All that must be agreed to first.
    notes
        What is to be said of the options.
    copied
        The same launch in other words.
    """
    spec, facade = found.draft.spec, context.flotilla
    with facade.store.read() as tx:
        month_usd = costs.total_usd(tx, spec.engine, month_start(utc_now()))
    return {
        "name": spec.name,
        "engine": spec.engine,
        "place": spec.place,
        "resources": spec.resources.model_dump(mode="json"),
        "timeout_s": spec.timeout_s,
        "usd_per_h": found.rate.usd_per_h if found.rate else None,
        "is_hypothetical": bool(found.rate and found.rate.is_hypothetical),
        "ceiling_usd": found.ceiling_usd,
        "runs": found.size if isinstance(found, GridPlan) else 1,
        "expected": found.expected.model_dump(mode="json") if found.expected else None,
        "notes": [*found.notes, *notes],
        "asks": list(asks),
        "packages": list(spec.packages),
        "files": _sizes(found.draft),
        "month_usd": month_usd if facade.engine(spec.engine).bills else 0.0,
        "monthly_budget_usd": facade.settings.monthly_budget,
        "recommendation": _recommendation(found),
        "commands": copied.model_dump(),
    }


def submit(context: Context, request: Request) -> dict[str, Any]:
    """Launch a job, or a grid of jobs; raises Refused where something must be agreed to first."""
    return _launch(context, request.body.what, request.body.options, request.body.confirm)


def retry(context: Context, request: Request) -> dict[str, Any]:
    """Launch an earlier run again, with changes."""
    what = RetryJob(kind="retry", run=request.path["run"])
    return _launch(context, what, request.body.options, request.body.confirm)


def _launch(
    context: Context, what: What, options: Mapping[str, Any], confirm: bool
) -> dict[str, Any]:
    asked = _Asked(context, what, options)
    if not confirm:
        asked.agree()
    drafts, limits = asked.drafts()
    asks = [*asked.asks, *asked.plan(drafts, limits).asks]
    if confirm and asks:
        raise Refused("; ".join(asks), next_step="repeat it with confirm: false, if that is meant")
    if limits is not None:
        grid, made = context.flotilla.submit_grid(drafts, limits)
        row = context.listing.row(made[0].id)
        return {"run": row, "grid": grid.id, "runs": len(made)}
    run = context.flotilla.submit(drafts[0], retry_of=asked.retry_of)
    return {"run": context.listing.row(run.id), "grid": None, "runs": 1}


def _recommendation(found: Plan) -> dict[str, Any] | None:
    one = found.recommended
    if one is None:
        return None
    return {"options": {"memory": one.memory}, "text": one.text}


def _sizes(draft: Draft) -> list[dict[str, Any]]:
    sizes = []
    for name, path in list(draft.files.items())[:_FILES_LISTED]:
        with suppress(OSError):
            sizes.append({"path": name, "size_bytes": path.stat().st_size})
    if draft.modules is not None:
        sizes.append({"path": "local modules (zip)", "size_bytes": len(draft.modules)})
    return sizes


def _option(option: Option) -> dict[str, Any]:
    return {
        "name": option.name, "keyword": option.py, "field": option.rest, "label": option.form,
        "metavar": option.metavar, "help": option.help, "group": option.group,
        "alias": option.alias, "repeats": option.repeats, "is_flag": option.is_flag,
        "is_of_some": option.is_of_some,
    }  # fmt: skip


def _shown(keyword: str, value: Any) -> Any:
    """Return a default in the form that people write."""
    if value is None:
        return None
    if keyword == "memory":
        return size_option(value)
    if keyword == "disk":
        return f"{value}G"
    if keyword == "timeout":
        return f"{value}s" if value % 60 else f"{value // 60}m"
    return list(value) if isinstance(value, tuple) else value
