"""A schedule in the user's hand: what it is, and the verbs that change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Unpack
from zoneinfo import ZoneInfo

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import Refused
from jupyter_flotilla.handle import RunHandle
from jupyter_flotilla.model.job import check_name
from jupyter_flotilla.model.options import OptionKeywords
from jupyter_flotilla.model.schedule import Schedule, Tick
from jupyter_flotilla.model.schedule_options import (
    SCHEDULE_OPTIONS,
    ScheduleKeywords,
    read_schedule_options,
)
from jupyter_flotilla.model.when_words import read_moment
from jupyter_flotilla.scheduling import past
from jupyter_flotilla.scheduling.facade import Scheduling
from jupyter_flotilla.scheduling.jobs import Asked
from jupyter_flotilla.scheduling.timing import preview
from jupyter_flotilla.service import Flotilla


class EditKeywords(ScheduleKeywords, OptionKeywords, total=False):
    """Keywords of a schedule and of its jobs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticked:
    """One moment of a schedule, and its run."""

    tick: Tick
    #: None where it has none, or that was deleted.
    run: RunHandle | None


class ScheduleHandle:
    """A schedule as it was when last read. An edit of what others have changed since is refused."""

    def __init__(self, flotilla: Flotilla, schedule: Schedule) -> None:
        self._flotilla = flotilla
        self._scheduling = Scheduling(flotilla)
        self._schedule = schedule

    @property
    def id(self) -> str:
        """``s`` and 12 characters."""
        return self._schedule.id

    @property
    def name(self) -> str:
        """The schedule's name."""
        return self._schedule.name

    @property
    def snapshot(self) -> Schedule:
        """The schedule as it was when last read."""
        return self._schedule

    @property
    def when(self) -> str:
        """When it runs, in words."""
        return self._scheduling.when_text(self._schedule)

    @property
    def is_paused(self) -> bool:
        """Whether it is paused, as of now."""
        return self.refresh()._schedule.paused_at is not None

    def refresh(self) -> "ScheduleHandle":
        """Read it anew, and return it; raises ScheduleNotFound."""
        self._schedule = self._scheduling.get(self.id)
        return self

    def upcoming(self, count: int = 5) -> list[datetime]:
        """Return when it will run next, by the clock of its zone; empty while it is paused."""
        schedule = self.refresh()._schedule
        if schedule.paused_at is not None:
            return []
        zone = ZoneInfo(schedule.when.zone)
        return [one.astimezone(zone) for one in preview(schedule.when, utc_now(), count)]

    def edit(
        self,
        what: str | Path | Sequence[str] | None = None,
        *,
        confirm: bool = True,
        **options: Unpack[EditKeywords],
    ) -> "ScheduleHandle":
        """Change anything of it; what is not given stays as it is. ``name`` is its new name.

        Parameters
        ----------
        what
            Another file or command; the same file makes a snapshot anew.
        confirm
            False: agree to what it may cost.

        Raises
        ------
        ScheduleChanged
            If somebody else has edited it since this handle has read it: nothing is written.
        """
        given: dict[str, Any] = dict(options)
        timed = {o.py: given.pop(o.py) for o in SCHEDULE_OPTIONS if o.py in given}
        asked_options = read_schedule_options(timed)
        file, command = None, None
        if isinstance(what, (str, Path)):
            file = Path(what)
        elif what is not None:
            command = [str(word) for word in what]
        asked = Asked(
            file=file,
            command=command,
            source=asked_options.source,
            folder=Path.cwd(),
        )
        prepared = self._scheduling.prepare_edit(
            self._schedule, asked_options, self._flotilla.changes(given), asked
        )
        prepared.plan.check_consent(confirm=confirm)
        self._schedule = self._scheduling.save_edit(prepared, self._schedule.revision)
        return self

    def pause(self) -> "ScheduleHandle":
        """Let no tick of it come until it is resumed; raises ScheduleChanged."""
        if self._schedule.paused_at is None:
            self._schedule = self._scheduling.pause(self._schedule)
        return self

    def resume(self) -> "ScheduleHandle":
        """Let it go on, from now; raises ScheduleChanged."""
        if self._schedule.paused_at is not None:
            self._schedule = self._scheduling.resume(self._schedule)
        return self

    def run(self, tick: datetime | str | None = None) -> RunHandle:
        """Run it now, beside its times; or one of its ticks again, with that tick's values."""
        schedule = self.refresh()._schedule
        if tick is None:
            made = past.run_now(self._flotilla, schedule)
        else:
            made = past.rerun(self._flotilla, schedule, self._moment(tick))
        return RunHandle(self._flotilla, made)

    def backfill(
        self,
        begin: datetime | str,
        end: datetime | str,
        *,
        again: bool = False,
        confirm: bool = True,
    ) -> list[datetime]:
        """Run the ticks of a time that is over, both ends included; return them.

        Raises
        ------
        Refused
            If they may cost more than you have set, and ``confirm`` is not False.
        UsageError
            If there is none to run.
        """
        planned = past.plan_backfill(
            self._flotilla,
            self.refresh()._schedule,
            self._moment(begin),
            self._moment(end, is_end=True),
            again=again,
        )
        if confirm and planned.asks:
            raise Refused("; ".join(planned.asks), next_step="confirm=False, if that is meant")
        past.backfill(self._flotilla, planned)
        return list(planned.moments)

    def history(self, limit: int = 20) -> list[Ticked]:
        """Return what became of its ticks, the latest first."""
        return [
            Ticked(tick=tick, run=None if run is None else RunHandle(self._flotilla, run))
            for tick, run in self._scheduling.history(self._schedule, limit)
        ]

    def clone(self, name: str) -> "ScheduleHandle":
        """Save a copy under another name, paused until it is resumed."""
        copied = self._scheduling.clone(self.refresh()._schedule, check_name(name))
        return ScheduleHandle(self._flotilla, copied)

    def delete(self) -> None:
        """Delete it and its history; its runs stay."""
        self._scheduling.delete(self.refresh()._schedule)

    def __repr__(self) -> str:
        return f"<ScheduleHandle {self.name} {self.id[:7]}: {self.when}>"

    def _moment(self, moment: datetime | str, *, is_end: bool = False) -> datetime:
        text = moment.isoformat() if isinstance(moment, datetime) else moment
        return read_moment(text, self._schedule.when.zone, is_end=is_end)
