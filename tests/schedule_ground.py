"""Schedules of commands that nobody launches, and what makes their runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from jupyter_flotilla.errors import InvalidNotebook, SourceUnavailable
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.model.schedule import Rules, Schedule, Tick, What, new_schedule_id
from jupyter_flotilla.model.when import When, interval

BEGIN = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

SPEC = JobSpec(
    kind="command", name="job", command=("true",), cwd="/", interpreter="python", engine="fake",
    place="nowhere",
)  # fmt: skip


def schedule_of(
    name: str = "job",
    when: When | None = None,
    *,
    cursor: datetime = BEGIN,
    next_at: datetime | None = None,
    host: str | None = None,
    **rules: Any,
) -> Schedule:
    """Return a schedule that runs every minute from `BEGIN` on."""
    when = when or interval(60)
    following = cursor + timedelta(seconds=60) if when.kind == "interval" else next_at
    return Schedule(
        id=new_schedule_id(), name=name, owner="me", created_at=BEGIN, edited_at=BEGIN,
        edited_by="me", when=when, rules=Rules(**rules), cursor=cursor, next_at=following,
        host=host, what=What(source="snapshot", spec=SPEC),
    )  # fmt: skip


class PlainMaker:
    """Makes runs without folders; schedules called ``broken`` fail."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.discarded: list[str] = []
        self.warmed = 0
        #: So many more times what is called ``away`` does not answer.
        self.away = 0

    def make(self, schedule: Schedule, tick: Tick) -> Run:
        if schedule.name == "broken":
            raise InvalidNotebook("there is no file report.ipynb", next_step="check the path")
        if schedule.name == "away" and self.away:
            self.away -= 1
            raise SourceUnavailable("git does not answer")
        if schedule.name == "strange":
            raise ZeroDivisionError("what no one has thought of")
        run = Run(
            id=new_run_id(), spec=schedule.what.spec, owner="me", created_at=tick.decided_at,
            schedule_id=schedule.id, scheduled_at=tick.scheduled_at, ceiling_usd=1.0,
        )  # fmt: skip
        self.made.append(run.id)
        return run

    def discard(self, run: Run) -> None:
        self.discarded.append(run.id)

    def warm(self) -> None:
        self.warmed += 1
