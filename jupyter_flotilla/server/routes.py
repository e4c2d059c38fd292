"""The table of routes: handlers and the OpenAPI document are made from it."""

from jupyter_flotilla.server import cells, files, launch, places, runs, schedules, streams
from jupyter_flotilla.server.handler import Route
from jupyter_flotilla.server.wire.launch import (
    CancelIn,
    EnginesOut,
    FormIn,
    FormOut,
    KeepIn,
    PlanIn,
    PlanOut,
    RetryIn,
    RunCreated,
    SubmitIn,
)
from jupyter_flotilla.server.wire.places import (
    CostsOut,
    CostsQuery,
    DoctorOut,
    SettingsOut,
    StatusOut,
    WasteOut,
    WasteQuery,
)
from jupyter_flotilla.server.wire.runs import RunDetail, RunOut, RunsPage, RunsQuery
from jupyter_flotilla.server.wire.schedules import (
    BackfillIn,
    BackfillOut,
    EditIn,
    EditPlanIn,
    NameIn,
    Nothing,
    PreviewIn,
    PreviewOut,
    RerunIn,
    ScheduleDetail,
    ScheduleIn,
    SchedulePlanIn,
    SchedulePlanOut,
    SchedulesOut,
)
from jupyter_flotilla.server.wire.stream import (
    AttemptQuery,
    CellOut,
    CellQuery,
    DownloadQuery,
    NotebookOut,
    SearchOut,
    SearchQuery,
    StreamOut,
    StreamQuery,
    UsageSeriesOut,
)

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET", path="status", call=places.status, answer=StatusOut,
        summary="How it stands: counts, costs, whether a dispatcher lives",
    ),
    Route(
        method="GET", path="runs", call=runs.list_runs, query=RunsQuery, answer=RunsPage,
        summary="A part of the list of runs",
    ),
    Route(
        method="POST", path="runs", call=launch.submit, body=SubmitIn, answer=RunCreated,
        action="execute", is_slow=True, status=201, summary="Launch a job",
    ),
    Route(
        method="POST", path="plan", call=launch.plan, body=PlanIn, answer=PlanOut,
        action="execute", is_slow=True,
        summary="What a launch would do and cost",
    ),
    Route(
        method="POST", path="form", call=launch.form, body=FormIn, answer=FormOut,
        is_slow=True,
        summary="What a form needs: engines, options, parameters, defaults",
    ),
    Route(
        method="GET", path="runs/{run}", call=runs.get_run, answer=RunDetail,
        summary="All that is known of a run",
    ),
    Route(
        method="POST", path="runs/{run}/cancel", call=runs.cancel_run, body=CancelIn,
        answer=RunOut, action="execute", summary="Ask for a run to end",
    ),
    Route(
        method="POST", path="runs/{run}/detach", call=runs.detach_run, answer=RunOut,
        action="execute", summary="Let whoever waits for a run go on without it",
    ),
    Route(
        method="POST", path="runs/{run}/retry", call=launch.retry, body=RetryIn,
        answer=RunCreated, action="execute", is_slow=True, status=201,
        summary="Launch it again, with changes",
    ),
    Route(
        method="POST", path="runs/{run}/keep", call=runs.keep_run, body=KeepIn, answer=RunOut,
        action="write", summary="Keep a run whatever its age, or no longer",
    ),
    Route(
        method="GET", path="runs/{run}/stream", call=streams.stream, query=StreamQuery,
        answer=StreamOut, is_awaited=streams.is_awaited,
        summary="A part of what an attempt has said",
    ),
    Route(
        method="GET", path="runs/{run}/cell", call=cells.cell, query=CellQuery,
        answer=CellOut, is_awaited=cells.is_awaited,
        summary="What a run has said, as outputs of its cell",
    ),
    Route(
        method="GET", path="runs/{run}/stream/search", call=streams.search, query=SearchQuery,
        answer=SearchOut, is_slow=True, summary="Where an attempt has said something",
    ),
    Route(
        method="GET", path="runs/{run}/notebook", call=streams.notebook, answer=NotebookOut,
        summary="The executed notebook, as far as it is",
    ),
    Route(
        method="GET", path="runs/{run}/usage", call=streams.usage, query=AttemptQuery,
        answer=UsageSeriesOut, summary="Memory and CPU of an attempt over time",
    ),
    Route(
        method="GET", path="runs/{run}/attempts/{number}/files/{path…}", call=files.attempt_file,
        query=DownloadQuery, answer=None, summary="A file that an attempt has brought back",
    ),
    Route(
        method="GET", path="runs/{run}/outputs/{name}", call=files.output, answer=None,
        summary="The file of a value that a cell has given back",
    ),
    Route(
        method="GET", path="schedules", call=schedules.list_schedules, answer=SchedulesOut,
        summary="All schedules",
    ),
    Route(
        method="POST", path="schedules", call=schedules.save, body=ScheduleIn,
        answer=ScheduleDetail, action="execute", is_slow=True, status=201,
        summary="Save a schedule",
    ),
    Route(
        method="POST", path="schedules/preview", call=schedules.show_times, body=PreviewIn,
        answer=PreviewOut, summary="What times mean",
    ),
    Route(
        method="POST", path="schedules/plan", call=schedules.plan, body=SchedulePlanIn,
        answer=SchedulePlanOut, action="execute", is_slow=True,
        summary="When a schedule would run, and what that would cost",
    ),
    Route(
        method="GET", path="schedules/{schedule}", call=schedules.get_schedule,
        answer=ScheduleDetail, summary="A schedule with what became of its ticks",
    ),
    Route(
        method="POST", path="schedules/{schedule}/edit", call=schedules.edit, body=EditIn,
        answer=ScheduleDetail, action="execute", is_slow=True, summary="Change a schedule",
    ),
    Route(
        method="POST", path="schedules/{schedule}/plan", call=schedules.plan_edit,
        body=EditPlanIn, answer=SchedulePlanOut, action="execute", is_slow=True,
        summary="What a change of a schedule would mean, and cost",
    ),
    Route(
        method="POST", path="schedules/{schedule}/pause", call=schedules.pause,
        answer=ScheduleDetail, action="execute", summary="Let no tick of a schedule come",
    ),
    Route(
        method="POST", path="schedules/{schedule}/resume", call=schedules.resume,
        answer=ScheduleDetail, action="execute", summary="Let a schedule go on from now",
    ),
    Route(
        method="POST", path="schedules/{schedule}/clone", call=schedules.clone, body=NameIn,
        answer=ScheduleDetail, action="execute", status=201,
        summary="Save a copy under another name, paused",
    ),
    Route(
        method="POST", path="schedules/{schedule}/delete", call=schedules.delete, answer=Nothing,
        action="execute", summary="Delete a schedule; its runs stay",
    ),
    Route(
        method="POST", path="schedules/{schedule}/run", call=schedules.run_now,
        answer=RunCreated, action="execute", is_slow=True, status=201,
        summary="Run a schedule's job at once",
    ),
    Route(
        method="POST", path="schedules/{schedule}/rerun", call=schedules.rerun, body=RerunIn,
        answer=RunCreated, action="execute", is_slow=True, status=201,
        summary="Run one of its ticks again",
    ),
    Route(
        method="POST", path="schedules/{schedule}/backfill", call=schedules.backfill,
        body=BackfillIn, answer=BackfillOut, action="execute", is_slow=True,
        summary="Run ticks of the past, or say what that would cost",
    ),
    Route(
        method="GET", path="costs", call=places.cost_rows, query=CostsQuery, answer=CostsOut,
        summary="What attempts have cost, summed by something",
    ),
    Route(
        method="GET", path="costs/waste", call=places.waste, query=WasteQuery, answer=WasteOut,
        summary="The most expensive runs, and the most wasteful",
    ),
    Route(
        method="GET", path="engines", call=places.list_engines, answer=EnginesOut, is_slow=True,
        summary="Where jobs can run",
    ),
    Route(
        method="GET", path="doctor", call=places.doctor, answer=DoctorOut, is_slow=True,
        summary="What every check of this machine finds",
    ),
    Route(
        method="GET", path="settings", call=places.settings, answer=SettingsOut,
        summary="All settings and where their values came from",
    ),
)  # fmt: skip
