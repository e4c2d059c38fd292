"""What a face can ask for of schedules: saving, editing, steering, looking."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from jupyter_flotilla import machine
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.errors import InvalidOption, RunNotFound, ScheduleNotFound
from jupyter_flotilla.model.job import check_name
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import (
    Rules,
    Schedule,
    Tick,
    TickStatus,
    What,
    check_chain,
    new_schedule_id,
    over_month,
)
from jupyter_flotilla.model.schedule_options import ScheduleOptions
from jupyter_flotilla.model.when import count_ticks, next_tick
from jupyter_flotilla.model.when_words import words
from jupyter_flotilla.scheduling.jobs import Asked, drafted, redrafted
from jupyter_flotilla.scheduling.making import copy_snapshot
from jupyter_flotilla.scheduling.placing import Placing
from jupyter_flotilla.scheduling.prepared import Prepared
from jupyter_flotilla.scheduling.timing import (
    begin_of,
    check_one_of,
    from_now_on,
    read_rules,
    read_times,
    when_text,
)
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.settings import Settings
from jupyter_flotilla.store import runs, schedules
from jupyter_flotilla.store import ticks as tick_rows

_MONTH = timedelta(days=30)
_COUNTED = 1_000_000


class Scheduling:
    """The schedules of one store."""

    def __init__(self, flotilla: Flotilla) -> None:
        self._flotilla = flotilla
        self._placing = Placing(flotilla)

    def prepare(self, options: ScheduleOptions, job: JobOptions, asked: Asked) -> Prepared:
        """Return a new schedule as it would be saved, without saving it.

        Raises
        ------
        UsageError, EnvironmentProblem
            For what could not be run at a tick either, and for times that mean nothing.
        """
        now, user = utc_now(), machine.user_name()
        check_one_of(options)
        after = self._upstreams(options.after or (), None)
        when = read_times(options, None, after, now)
        draft, what = drafted(self._flotilla, asked, job)
        schedule = Schedule(
            id=new_schedule_id(),
            name=draft.spec.name,
            owner=user,
            created_at=now,
            edited_at=now,
            edited_by=user,
            when=when,
            rules=read_rules(options, Rules(), after, options.where or "here"),
            what=what,
            where=options.where or "here",
            host=machine_of(self._flotilla.settings),
            cursor=now - timedelta(microseconds=1),
            next_at=next_tick(when, now),
        )
        return self._prepared(schedule, draft, is_fresh=True)

    def prepare_edit(
        self, schedule: Schedule, options: ScheduleOptions, changes: JobOptions, asked: Asked
    ) -> Prepared:
        """Return a schedule as it would be after an edit, without saving it; raises as `prepare`.

        And ScheduleChanged where it has been edited since it was read.

        Parameters
        ----------
        changes
            What is to change of its job; whatever is not there stays.
        """
        now = utc_now()
        check_one_of(options)
        with self._flotilla.store.read() as tx:  # a snapshot that was renewed since is gone
            schedules.check_seen(tx, schedule, schedule.revision)
        after = schedule.rules.after
        if options.after is not None:
            after = self._upstreams(options.after, schedule)
        elif options.when is not None:
            after = ()
        when = read_times(options, schedule, after, now)
        draft, what = redrafted(self._flotilla, schedule, asked, changes)
        # what new times say of the past was never promised
        is_retimed = when != schedule.when or after != schedule.rules.after
        where = options.where or schedule.where
        begin = begin_of(after, schedule, now)
        timed = {"cursor": begin, "next_at": next_tick(when, now)} if is_retimed else {}
        edited = schedule.model_copy(
            update={
                "name": changes.name or schedule.name,
                "edited_at": now,
                "edited_by": machine.user_name(),
                "when": when,
                "rules": read_rules(options, schedule.rules, after, where, schedule.where),
                "what": what,
                "where": where,
                "host": machine_of(self._flotilla.settings),
                **timed,
            }
        )
        is_fresh = not asked.is_nothing or changes != JobOptions()
        return self._prepared(edited, draft, is_fresh=is_fresh)

    def save(self, prepared: Prepared, *, is_paused: bool = False) -> Schedule:
        """Write a new schedule, and see to it that somebody ticks it.

        Raises
        ------
        InvalidOption
            If there is one of that name already.
        EnvironmentProblem
            If there is no room for it; nothing is left then.
        """
        schedule = self._frozen(prepared)
        if schedule.where == "cloud":  # what was due while somebody was asked was not promised
            schedule = from_now_on(schedule, utc_now())
        if is_paused:
            schedule = schedule.model_copy(update={"paused_at": schedule.created_at})
        self._insert(schedule)
        self._placing.new(schedule, self.delete)
        if not is_paused:
            self._flotilla.see_to_dispatcher()
        return self.get(schedule.id)

    def save_edit(self, prepared: Prepared, seen_revision: int) -> Schedule:
        """Write an edit; raises ScheduleChanged where somebody else has edited it since."""
        edited = self._frozen(prepared)
        is_in = False
        try:
            before = self.get(edited.id)
            self._placing.before_change(before)
            is_retimed = (edited.when, edited.rules.after) != (before.when, before.rules.after)
            if "cloud" in (before.where, edited.where):  # what was due is awaited by now
                edited, is_retimed = from_now_on(edited, utc_now()), True
            with self._flotilla.store.write() as tx:
                saved = schedules.edit(tx, edited, seen_revision, is_retimed=is_retimed)
            is_in = True
        finally:
            if prepared.is_fresh and not is_in:
                self._forget_snapshot(edited.what)
        if before.what.snapshot_id != saved.what.snapshot_id:
            self._forget_snapshot(before.what)
        self._flotilla.see_to_dispatcher()
        self._placing.changed(saved)
        return self.get(saved.id)

    def clone(self, schedule: Schedule, name: str) -> Schedule:
        """Save a copy of a schedule under another name, paused until it is resumed.

        Raises
        ------
        InvalidOption
            If there is one of that name already, or nothing can be called so.
        """
        name = check_name(name)
        now, user, what = utc_now(), machine.user_name(), schedule.what
        if what.source == "snapshot":
            what = what.model_copy(update={"snapshot_id": new_schedule_id()})
            copy_snapshot(self._flotilla, schedule.what, what.snapshot_id or "")
        copied = schedule.model_copy(
            update={
                "id": new_schedule_id(), "name": name, "owner": user, "created_at": now,
                "edited_at": now, "edited_by": user, "revision": 1, "what": what,
                "paused_at": now, "cursor": now - timedelta(microseconds=1),
                "next_at": next_tick(schedule.when, now), "placed": None,
            }
        )  # fmt: skip
        self._insert(copied)
        return copied

    def pause(self, schedule: Schedule) -> Schedule:
        """Let no tick of it come until it is resumed; raises ScheduleChanged."""
        return self._change(schedule, paused_at=utc_now())

    def resume(self, schedule: Schedule) -> Schedule:
        """Let it go on from now: what was due meanwhile was not missed; raises ScheduleChanged."""
        now = utc_now()
        following = next_tick(schedule.when, now)
        resumed = self._change(schedule, paused_at=None, cursor=now, next_at=following)
        self._flotilla.see_to_dispatcher()
        return resumed

    def delete(self, schedule: Schedule, *, is_forgotten: bool = False) -> None:
        """Delete a schedule, its history and its snapshot; its runs stay.

        Parameters
        ----------
        is_forgotten
            True: also where AWS cannot be told, which goes on as it was.

        Raises
        ------
        InvalidOption
            If another schedule waits for it, which would wait for ever.
        """
        with self._flotilla.store.read() as tx:
            _check_no_waiter(tx, schedule)
        if not is_forgotten:
            self._placing.before_change(schedule)
            self._placing.take_over(schedule)
            self._placing.take_out(schedule)
        with self._flotilla.store.write() as tx:
            _check_no_waiter(tx, schedule)
            schedules.delete(tx, schedule.id)
        self._forget_snapshot(schedule.what)

    def get(self, schedule_id: str) -> Schedule:
        """Return a schedule by its whole id; raises ScheduleNotFound."""
        with self._flotilla.store.read() as tx:
            found = schedules.get(tx, schedule_id)
        if found is None:
            raise ScheduleNotFound(
                f"there is no schedule {schedule_id!r}", next_step="jupyter flotilla schedule ls"
            )
        return found

    def find(self, reference: str) -> Schedule:
        """Return the schedule of a name, id or unique prefix; raises ScheduleNotFound."""
        with self._flotilla.store.read() as tx:
            return schedules.find(tx, reference)

    def all(self) -> list[tuple[Schedule, Tick | None]]:
        """Return every schedule by name, each with its latest tick."""
        with self._flotilla.store.read() as tx:
            found, latest = schedules.all_of(tx), tick_rows.latest(tx)
        self._wake(found, latest.values())
        return [(one, latest.get(one.id)) for one in found]

    def history(
        self, schedule: Schedule, limit: int = 20, before: datetime | None = None
    ) -> list[tuple[Tick, Run | None]]:
        """Return what became of its ticks, the latest first, each with its run."""
        with self._flotilla.store.read() as tx:
            found = tick_rows.history(tx, schedule.id, limit, before)
            made = runs.get_all(tx, [tick.run_id for tick in found if tick.run_id])
        self._wake([schedule], found)
        return [(tick, made.get(tick.run_id or "")) for tick in found]

    def when_text(self, schedule: Schedule) -> str:
        """Return in words when it runs."""
        if not schedule.rules.after:
            return words(schedule.when)
        with self._flotilla.store.read() as tx:
            return when_text(schedule, schedules.names(tx))

    def _wake(self, seen: Sequence[Schedule], latest: Iterable[Tick]) -> None:
        """See to a dispatcher where one is waited for: the last one may have been killed."""
        is_to_come = any(one.paused_at is None and not one.is_over for one in seen)
        is_awaited = any(tick.status is TickStatus.AWAITED for tick in latest)
        if is_to_come or is_awaited or not all(one.is_placed for one in seen):
            self._flotilla.see_to_dispatcher()

    def _upstreams(self, references: Sequence[str], before: Schedule | None) -> tuple[str, ...]:
        """Return the ids of schedules and runs; raises InvalidOption for a chain that is a ring."""
        with self._flotilla.store.read() as tx:
            found: list[str] = []
            for reference in references:
                try:
                    found.append(schedules.find(tx, reference).id)
                    continue
                except ScheduleNotFound:
                    pass
                try:
                    found.append(runs.find(tx, reference).id)
                except RunNotFound as error:
                    raise InvalidOption(
                        f"--after {reference[:100]!r}: no schedule and no run is called so",
                        next_step="jupyter flotilla schedule ls",
                    ) from error
            if before is not None:
                names = {**schedules.names(tx), before.id: before.name}
                check_chain(before.id, tuple(found), schedules.chains(tx), names)
        return tuple(dict.fromkeys(found))

    def _prepared(self, schedule: Schedule, draft: Draft, *, is_fresh: bool) -> Prepared:
        self._placing.check(schedule)
        now, plan = utc_now(), self._flotilla.plan(draft)
        is_timed = schedule.when.kind != "after"
        # not for its sum: a limit that lets nothing begin is a mistake
        reason = over_month(schedule.rules, 0.0, plan.ceiling_usd)
        if reason is not None:
            raise InvalidOption(
                f"--month-cost: {reason}",
                next_step="add --timeout 1h or --max-cost 2, or a larger --month-cost",
            )
        return Prepared(
            schedule=schedule,
            draft=draft,
            plan=plan,
            runs_a_month=count_ticks(schedule.when, now, now + _MONTH, _COUNTED)
            if is_timed
            else None,
            is_fresh=is_fresh,
        )

    def _frozen(self, prepared: Prepared) -> Schedule:
        """Return the schedule with its snapshot written, where it has one that is new."""
        schedule = prepared.schedule
        if not prepared.is_fresh:
            return schedule
        if schedule.what.source != "snapshot":
            what = schedule.what.model_copy(update={"snapshot_id": None})
            return schedule.model_copy(update={"what": what})
        snapshot_id, is_whole = new_schedule_id(), False
        # a snapshot has nothing in a bucket: only its runs will have
        plain = prepared.draft.spec.model_copy(update={"bucket": None})
        try:
            self._flotilla.provision.build(prepared.draft)
            self._flotilla.freeze(snapshot_id, replace(prepared.draft, spec=plain))
            is_whole = True
        finally:
            if not is_whole:
                self._flotilla.artifacts.delete(snapshot_id)
        what = schedule.what.model_copy(update={"snapshot_id": snapshot_id})
        return schedule.model_copy(update={"what": what})

    def _insert(self, schedule: Schedule) -> None:
        is_in = False
        try:
            with self._flotilla.store.write() as tx:
                schedules.insert(tx, schedule)
            is_in = True
        finally:
            if not is_in:
                self._forget_snapshot(schedule.what)

    def _forget_snapshot(self, what: What) -> None:
        if what.snapshot_id is not None:
            self._flotilla.artifacts.delete(what.snapshot_id)

    def _change(self, schedule: Schedule, **update: Any) -> Schedule:
        self._placing.before_change(schedule)
        edited: Mapping[str, Any] = {
            "edited_at": utc_now(),
            "edited_by": machine.user_name(),
            **update,
        }
        with self._flotilla.store.write() as tx:
            changed = schedules.edit(
                tx,
                schedule.model_copy(update=edited),
                schedule.revision,
                is_retimed="cursor" in update,
            )
        self._flotilla.see_to_dispatcher()
        self._placing.changed(changed)
        return changed


def _check_no_waiter(tx: sa.Connection, schedule: Schedule) -> None:
    chains, names = schedules.chains(tx), schedules.names(tx)
    waits = [names[one] for one, after in chains.items() if schedule.id in after]
    if waits:
        raise InvalidOption(
            f"{waits[0]} runs after {schedule.name}, and would wait for ever",
            next_step=f"jupyter flotilla schedule rm {waits[0]}, or edit its --after",
        )


def machine_of(settings: Settings) -> str | None:
    """Return whose dispatcher makes a schedule's runs; None: the store is one host's alone.

    Where hosts share it, each has files, snapshots and jobs of its own. Elsewhere the host is
    nobody's business: a laptop's name changes.
    """
    is_file = settings.store is None or settings.store.startswith("sqlite:")
    is_own = is_file and not machine.is_network_file_system(settings.home)
    return None if is_own else machine.host()
