"""What schedules have in the cloud: checked before saving, placed after it, taken over later."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.again import draft_again
from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import LaunchOrder
from jupyter_flotilla.engines.cloud import Begun, CloudScheduler, Dropped, Wanted
from jupyter_flotilla.errors import EngineUnavailable, InvalidOption
from jupyter_flotilla.locks import FileLock
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cloud_calendar import calendar
from jupyter_flotilla.model.cloud_when import Expression, at_moment, expressions, single_moments
from jupyter_flotilla.model.job import Bucket, JobSpec
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.model.schedule import (
    Placed,
    Schedule,
    Tick,
    max_age_in_cloud_s,
    new_schedule_id,
)
from jupyter_flotilla.scheduling.making import TickMaker, placeholders
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import schedules

#: Moments that are said one by one are said so far ahead; a dispatcher renews them.
_AHEAD = timedelta(days=3 * 365)
_PATIENCE_S = 120.0


class CloudTicks:
    """The schedules of one store that the cloud starts."""

    def __init__(self, flotilla: Flotilla) -> None:
        self._flotilla = flotilla
        self._maker = TickMaker(flotilla)

    def check(self, schedule: Schedule) -> None:
        """Say why the cloud cannot start a schedule, if it cannot; asks for settings alone.

        Raises
        ------
        InvalidOption, EngineUnavailable
        """
        what, rules = schedule.what, schedule.rules
        self._scheduler(what.spec.engine).check()
        if what.source != "snapshot":
            raise InvalidOption(
                f"--where cloud and --source {what.source}: what is read at each tick is read on "
                "this machine, which may be switched off then",
                next_step="--source snapshot; edit NAME FILE renews it",
            )
        if rules.overlap != "allow":
            raise InvalidOption(
                f"--where cloud and --overlap {rules.overlap}: nobody is there to see that a run "
                "goes on",
                next_step="--overlap allow, and a --timeout shorter than the time between two runs",
            )
        if rules.month_usd is not None:
            raise InvalidOption(
                "--where cloud and --month-cost: nobody is there to add up what runs have cost",
                next_step="--max-cost limits each run, and jobs see to it themselves",
            )
        self._expressions(schedule, utc_now())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes of this home from all of it meanwhile; raises EngineUnavailable."""
        lock = FileLock(self._flotilla.settings.home / "cloud.lock")
        if not lock.acquire(_PATIENCE_S):
            raise EngineUnavailable("another process of this home is at AWS's scheduler")
        try:
            yield
        finally:
            lock.release()

    def place(self, schedule: Schedule) -> None:
        """Bring the cloud to what the store says of a schedule now, and write that down.

        Only `alone`: what is older must not come later.

        Raises
        ------
        EngineUnavailable, ArtifactsUnavailable
            What the cloud has then is of an earlier revision; a dispatcher tries again.
        """
        with self._flotilla.store.read() as tx:
            latest = schedules.get(tx, schedule.id)
        if latest is None:
            return
        placed = self._placed(latest)
        with self._flotilla.store.write() as tx:
            schedules.set_placed(tx, latest.id, placed)

    def remove(self, schedule: Schedule) -> None:
        """Take a schedule from the cloud; raises as `place`."""
        if schedule.placed is not None:  # of another engine, perhaps, than it is of now
            bucket, engine = schedule.placed.bucket, schedule.placed.engine
        else:
            bucket, engine = _bucket(schedule.what.spec), schedule.what.spec.engine
        self._scheduler(engine).remove(schedule.id, bucket)

    def begun(self, schedule: Schedule, after: datetime) -> Sequence[datetime]:
        """Return ticks of it, later than one, that say that they have begun."""
        spec = schedule.what.spec
        return self._scheduler(spec.engine).begun(schedule.id, _bucket(spec), after)

    def begun_at(self, schedule: Schedule, moment: datetime) -> Begun | None:
        """Return one of its ticks, if it has begun."""
        spec = schedule.what.spec
        return self._scheduler(spec.engine).begun_at(schedule.id, _bucket(spec), moment)

    def dropped(self, schedule: Schedule) -> Sequence[Dropped]:
        """Return ticks that were given up, of this and of other schedules."""
        return self._scheduler(schedule.what.spec.engine).dropped()

    def settle(self, schedule: Schedule, receipts: Sequence[str]) -> None:
        """Forget ticks that were given up."""
        self._scheduler(schedule.what.spec.engine).settle(receipts)

    def adopt(self, schedule: Schedule, tick: Tick, begun: Begun) -> tuple[Run, Attempt]:
        """Return the run of a tick that has begun, and its attempt; they are in no store yet."""
        folder = self._flotilla.artifacts
        # first: what has an attempt is never taken for what nobody has launched, and deleted
        folder.create_attempt(begun.run_id, 1)
        run = self._maker.adopted(schedule, tick, begun.run_id)
        spec, engine = run.spec, self._flotilla.engine(run.spec.engine)
        order = LaunchOrder(
            run_id=run.id, launch_key=f"{run.id}-1", spec=spec, resources=spec.resources,
            max_cost_usd=spec.max_cost_usd, input_folder=folder.input_folder(run.id),
            attempt_folder=folder.attempt_folder(run.id, 1), rate=engine.rate(spec.resources),
        )  # fmt: skip
        handle = self._scheduler(spec.engine).adopt(order, begun, schedule.id)
        attempt = Attempt(
            run_id=run.id, number=1, engine=spec.engine, place=spec.place,
            resources=spec.resources, claimed_at=begun.scheduled_at,
            sent_at=begun.scheduled_at, handle=handle, rate=order.rate,
        )  # fmt: skip
        return run, attempt

    def _placed(self, schedule: Schedule) -> Placed | None:
        spec = schedule.what.spec
        if schedule.where == "here":
            self.remove(schedule)
            return None
        now = utc_now()
        copy_id = new_schedule_id()
        try:
            draft = self._draft(schedule)
            self._flotilla.provision.build(draft)
            self._flotilla.freeze(copy_id, draft)
            order = self._order(schedule, draft, copy_id)
            self._scheduler(spec.engine).place(
                Wanted(
                    schedule_id=schedule.id,
                    revision=schedule.revision,
                    name=schedule.name,
                    is_on=schedule.paused_at is None,
                    expressions=self._expressions(schedule, now),
                    starts_at=schedule.when.starts_at,
                    ends_at=schedule.when.ends_at,
                    max_age_s=max_age_in_cloud_s(schedule.rules),
                    order=order,
                    calendar=calendar(schedule.when, now),
                )
            )
        finally:
            with suppress(OSError):
                self._flotilla.artifacts.delete(copy_id)
        return Placed(
            revision=schedule.revision, engine=spec.engine, bucket=_bucket(spec), until=now + _AHEAD
        )

    def _order(self, schedule: Schedule, draft: Draft, copy_id: str) -> LaunchOrder:
        spec = draft.spec.model_copy(update={"bucket": schedule.what.spec.bucket})
        artifacts = self._flotilla.artifacts
        return LaunchOrder(
            run_id=copy_id, launch_key=f"{copy_id}-1", spec=spec, resources=spec.resources,
            max_cost_usd=spec.max_cost_usd, input_folder=artifacts.input_folder(copy_id),
            attempt_folder=Path(), rate=self._flotilla.engine(spec.engine).rate(spec.resources),
            layer=artifacts.layers / spec.layer if spec.layer else None,
        )  # fmt: skip

    def _draft(self, schedule: Schedule) -> Draft:
        """Return the job of all ticks: where one differs from another there is a name in braces."""
        what = schedule.what
        source = self._flotilla.artifacts.input_folder(what.snapshot_id or "")
        params: dict[str, Any] = {}
        if what.spec.kind == "notebook" and what.spec.source is not None:
            params = placeholders((source / what.spec.source).read_bytes(), what.spec.params)
        draft = draft_again(what.spec, source, JobOptions(params=params))
        # nothing of this folder is in a bucket by itself
        spec = draft.spec.model_copy(update={"name": schedule.name, "bucket": None})
        return replace(draft, spec=spec)

    def _expressions(self, schedule: Schedule, now: datetime) -> tuple[Expression, ...]:
        when = schedule.when
        found = expressions(when)
        is_past = when.kind == "once" and when.at is not None and when.at <= now
        if is_past or (when.ends_at is not None and when.ends_at <= now):
            return ()
        alone = single_moments(when, now, now + _AHEAD)
        return (*found, *(at_moment(moment) for moment in alone))

    def _scheduler(self, engine: str) -> CloudScheduler:
        found = self._flotilla.engine(engine).cloud
        if found is None:
            raise InvalidOption(
                f"--where cloud: jobs of engine {engine} run on this machine",
                next_step="--engine ecs; jupyter flotilla setup-aws sets it up",
            )
        return found


def _bucket(spec: JobSpec) -> Bucket:
    if spec.bucket is None:
        raise EngineUnavailable("a job in the cloud needs a bucket, and this one has none")
    return spec.bucket
