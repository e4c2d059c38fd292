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
from jupyter_flotilla.engines.cloud import Address, Begun, CloudScheduler, Dropped, Wanted
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
from jupyter_flotilla.store import schedules, ticks

#: Moments that are said one by one are said so far ahead; a dispatcher renews them.
_AHEAD = timedelta(days=3 * 365)
#: A job that the cloud has started is repeated by itself only where its end is seen so soon.
_RETRY_WITHIN_S = 3600.0


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

    def check_own(self, schedule: Schedule) -> None:
        """Raise InvalidOption where another home has a schedule in the cloud."""
        placed = schedule.placed
        if placed is None:
            return
        own = self._scheduler(placed.engine).address.install
        if placed.install != own:
            raise InvalidOption(
                f"schedule {schedule.name} is in AWS under the names of another home "
                f"({placed.install}, this one is {own}), which alone can change it there",
                next_step=f"change it on {schedule.host or 'the machine that saved it'}",
            )

    @contextmanager
    def alone(self, schedule: Schedule, wait_s: float = 0.0) -> Iterator[None]:
        """Keep other processes of this home from a schedule's meanwhile.

        Raises
        ------
        EngineUnavailable
            If one is at it for longer.
        """
        folder = self._flotilla.settings.home / "cloud"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(folder / f"{schedule.id}.lock")
        if not lock.acquire(wait_s):
            raise EngineUnavailable(
                f"another process is just bringing {schedule.name} into AWS",
                next_step="try it again in a minute",
            )
        try:
            yield
        finally:
            lock.release()

    def place(self, schedule: Schedule) -> None:
        """Bring the cloud to what the store says of a schedule now, and write that down.

        Only `alone`: what is older must not come later.

        Raises
        ------
        FlotillaError
            What the cloud has then is of an earlier revision; a dispatcher tries again.
        """
        with self._flotilla.store.read() as tx:
            latest = schedules.get(tx, schedule.id)
            is_awaited = bool(ticks.awaited(tx, schedule.id, utc_now(), 1))
        if latest is None:
            return
        self.check_own(latest)
        placed = self._placed(latest, is_awaited=is_awaited)
        with self._flotilla.store.write() as tx:
            schedules.set_placed(tx, latest.id, placed)

    def remove(self, schedule: Schedule) -> None:
        """Take a schedule from the cloud, with its files; only `alone`.

        Raises
        ------
        FlotillaError
        """
        if schedule.placed is not None:
            self._remove_from(schedule.id, schedule.placed)
            return
        # a saving that was broken off may have begun
        spec = schedule.what.spec
        scheduler = self._scheduler(spec.engine)
        scheduler.remove(schedule.id, scheduler.address, _bucket(spec))

    def begun(self, schedule: Schedule, after: datetime) -> Sequence[datetime]:
        """Return ticks of it, later than one, that say that they have begun."""
        return self._of(schedule).begun(schedule.id, self._bucket_of(schedule), after)

    def begun_at(self, schedule: Schedule, moment: datetime) -> Begun | None:
        """Return one of its ticks, if it has begun."""
        return self._of(schedule).begun_at(schedule.id, self._bucket_of(schedule), moment)

    def dropped(self, schedule: Schedule) -> Sequence[Dropped]:
        """Return ticks that were given up, of this and of other schedules."""
        return self._of(schedule).dropped()

    def settle(self, schedule: Schedule, receipts: Sequence[str]) -> None:
        """Forget ticks that were given up."""
        self._of(schedule).settle(receipts)

    def adopt(self, schedule: Schedule, tick: Tick, begun: Begun) -> tuple[Run, Attempt]:
        """Return the run of a tick that has begun, and its attempt; they are in no store yet."""
        folder = self._flotilla.artifacts
        # first: what has an attempt is never taken for what nobody has launched, and deleted
        folder.create_attempt(begun.run_id, 1)
        then = self._spec_then(schedule, begun)
        run = self._maker.adopted(schedule, tick, begun.run_id, then)
        spec, engine = run.spec, self._flotilla.engine(run.spec.engine)
        order = LaunchOrder(
            run_id=run.id, launch_key=f"{run.id}-1", spec=spec, resources=spec.resources,
            max_cost_usd=spec.max_cost_usd, input_folder=folder.input_folder(run.id),
            attempt_folder=folder.attempt_folder(run.id, 1), rate=engine.rate(spec.resources),
        )  # fmt: skip
        handle = self._of(schedule).adopt(order, begun, schedule.id)
        attempt = Attempt(
            run_id=run.id, number=1, engine=spec.engine, place=spec.place,
            resources=spec.resources, claimed_at=begun.scheduled_at,
            sent_at=begun.scheduled_at, handle=handle, rate=order.rate,
            # of another revision the input is not here any more
            retry_within_s=_RETRY_WITHIN_S if then is None else 0.0,
        )  # fmt: skip
        return run, attempt

    def _spec_then(self, schedule: Schedule, begun: Begun) -> JobSpec | None:
        """Return the job that has begun where that is another than now; None: it is the same."""
        if begun.revision is None or begun.revision == schedule.revision:
            return None
        bucket = self._bucket_of(schedule)
        then = self._of(schedule).spec(schedule.id, bucket, begun.revision)
        now = schedule.what.spec
        if then is None or then.model_copy(update={"name": now.name, "bucket": now.bucket}) == now:
            return None
        return then

    def _placed(self, schedule: Schedule, *, is_awaited: bool) -> Placed | None:
        before = schedule.placed
        is_off = schedule.where == "here" or schedule.paused_at is not None
        if is_off:
            if before is None:
                return None
            if schedule.where == "here" and not is_awaited:
                self._remove_from(schedule.id, before)
                return None
            self._scheduler(before.engine).disable(schedule.id, _address_of(before))
            return before.model_copy(update={"revision": schedule.revision, "is_off": True})
        spec = schedule.what.spec
        scheduler, bucket = self._scheduler(spec.engine), _bucket(spec)
        address = scheduler.address
        placed = Placed(
            revision=schedule.revision, engine=spec.engine, install=address.install,
            group=address.group, region=address.region, bucket=bucket, until=utc_now() + _AHEAD,
        )  # fmt: skip
        if before is not None and _place_of(before) != _place_of(placed):
            self._remove_from(schedule.id, before)
        self._bring(schedule, scheduler)
        return placed

    def _remove_from(self, schedule_id: str, placed: Placed) -> None:
        self._scheduler(placed.engine).remove(schedule_id, _address_of(placed), placed.bucket)

    def _bring(self, schedule: Schedule, scheduler: CloudScheduler) -> None:
        now, copy_id = utc_now(), new_schedule_id()
        try:
            draft = self._draft(schedule)
            self._flotilla.provision.build(draft)
            self._flotilla.freeze(copy_id, draft)
            scheduler.place(
                Wanted(
                    schedule_id=schedule.id,
                    revision=schedule.revision,
                    name=schedule.name,
                    expressions=self._expressions(schedule, now),
                    starts_at=schedule.when.starts_at,
                    ends_at=schedule.when.ends_at,
                    max_age_s=max_age_in_cloud_s(schedule.rules),
                    order=self._order(schedule, draft, copy_id),
                    calendar=calendar(schedule.when, now),
                )
            )
        finally:
            with suppress(OSError):
                self._flotilla.artifacts.delete(copy_id)

    def _order(self, schedule: Schedule, draft: Draft, copy_id: str) -> LaunchOrder:
        # its parameters are in the notebook already; what it is compared with has none of a tick
        saved = schedule.what.spec
        spec = draft.spec.model_copy(update={"bucket": saved.bucket, "params": saved.params})
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

    def _of(self, schedule: Schedule) -> CloudScheduler:
        """Return what starts a schedule: of the engine that it was of when it was placed."""
        placed = schedule.placed
        return self._scheduler(schedule.what.spec.engine if placed is None else placed.engine)

    def _bucket_of(self, schedule: Schedule) -> Bucket:
        placed = schedule.placed
        return _bucket(schedule.what.spec) if placed is None else placed.bucket

    def _scheduler(self, engine: str) -> CloudScheduler:
        found = self._flotilla.engine(engine).cloud
        if found is None:
            raise InvalidOption(
                f"--where cloud: jobs of engine {engine} run on this machine",
                next_step="--engine ecs; jupyter flotilla setup-aws sets it up",
            )
        return found


def _place_of(placed: Placed) -> tuple[object, ...]:
    """Return what tells one place in the cloud from another."""
    return placed.engine, _address_of(placed), placed.bucket


def _address_of(placed: Placed) -> Address:
    return Address(install=placed.install, group=placed.group, region=placed.region)


def _bucket(spec: JobSpec) -> Bucket:
    if spec.bucket is None:
        raise EngineUnavailable(
            "a job in the cloud needs a bucket, and this one has none",
            next_step="artifacts = 's3://BUCKET/PREFIX' in flotilla.toml, then edit the schedule",
        )
    return spec.bucket
