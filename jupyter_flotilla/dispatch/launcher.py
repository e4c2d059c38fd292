"""QUEUED → PENDING: claims what may start and tells the engine to start it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.wake import Wake
from jupyter_flotilla.engines.base import Engine, LaunchOrder, Save, Written
from jupyter_flotilla.errors import DiskFull, LaunchError, RunNotFound
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.job import Bucket
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.retry import remaining_usd
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store

#: A launch without an answer is repeated after this: whoever sent it may have died.
_REPEAT_AFTER = timedelta(seconds=2)


class Launcher:
    """Launches the runs of one engine.

    Parameters
    ----------
    limit
        Most attempts of this engine that may be open at a time.
    wake
        How a job's supervisor can start a dispatcher; None: it cannot.
    """

    def __init__(
        self,
        store: Store,
        artifacts_of: LocalArtifacts,
        engine: Engine,
        limit: int,
        wake: Wake | None = None,
    ) -> None:
        self._store = store
        self._artifacts = artifacts_of
        self._engine = engine
        self._limit = limit
        self._wake = wake

    def step(self, now: datetime) -> int:
        """Launch all that may start, and repeat launches that nobody answered."""
        moved = self._repeat_unanswered(now)
        while True:
            with self._store.write() as tx:
                attempt = attempts.claim(
                    tx, self._engine.name, self._engine.place, self._limit, now
                )
            if attempt is None:
                return moved
            self.launch(attempt, now)
            moved += 1

    def launch(self, attempt: Attempt, now: datetime) -> None:
        """Send a launch, for the first time or again: its key makes a repeat harmless."""
        with self._store.read() as tx:
            run = runs.get(tx, attempt.run_id)
            earlier = attempts.of_run(tx, run.id)[: attempt.number - 1]
        is_unanswered = attempt.handle is None and attempt.sent_at is not None
        is_unwanted = run.cancel_requested_at is not None
        # of what was written ahead there may be a task: there its engine looks first
        if is_unwanted and is_unanswered and self._already_written(attempt) is None:
            self._cancelled(run, attempt, now)
            return
        rate = self._engine.rate(attempt.resources)
        attempt = attempt.model_copy(update={"rate": rate})
        try:
            handle = self._engine.launch(self._order(run, attempt, earlier))
        except (DiskFull, OSError) as error:
            # Repeated until there is room, or the run is cancelled; others are not held up.
            attempt = attempt.sent(now, None, str(error))
        except LaunchError as error:
            if not error.retryable:
                self._refused(run, attempt, str(error), now)
                return
            attempt = attempt.sent(now, None, error.message)
        else:
            attempt = attempt.sent(now, handle)
        with self._store.write() as tx:
            attempts.update(tx, attempt)

    def _repeat_unanswered(self, now: datetime) -> int:
        with self._store.read() as tx:
            open_attempts = attempts.open_of(tx, self._engine.name, self._engine.place)
        unanswered = [
            attempt
            for attempt in open_attempts
            # the clock may have been set back meanwhile
            if attempt.handle is None
            and abs(now - (attempt.sent_at or attempt.claimed_at)) >= _REPEAT_AFTER
        ]
        for attempt in unanswered:
            self.launch(attempt, now)
        return len(unanswered)

    def _order(self, run: Run, attempt: Attempt, earlier: Sequence[Attempt]) -> LaunchOrder:
        return LaunchOrder(
            run_id=run.id,
            launch_key=attempt.launch_key,
            spec=run.spec,
            resources=attempt.resources,
            max_cost_usd=remaining_usd(run.spec, earlier),
            input_folder=self._artifacts.input_folder(run.id),
            attempt_folder=self._artifacts.create_attempt(run.id, attempt.number),
            rate=attempt.rate,
            restore=self._checkpoint(run, attempt),
            layer=self._artifacts.layers / run.spec.layer if run.spec.layer else None,
            keeper=None if self._wake is None else self._wake.keeper(),
            write_ahead=partial(self._write_ahead, attempt),
            already_written=partial(self._already_written, attempt),
        )

    def _write_ahead(self, attempt: Attempt, request: Mapping[str, Any]) -> Written:
        now = utc_now()
        with self._store.write() as tx:
            first, at, is_new = attempts.write_ahead(
                tx, attempt.run_id, attempt.number, request, now
            )
        return Written(request=first, age_s=abs(now - at).total_seconds(), is_new=is_new)

    def _already_written(self, attempt: Attempt) -> Written | None:
        with self._store.read() as tx:
            found = attempts.request_of(tx, attempt.run_id, attempt.number)
        if found is None:
            return None
        age_s = abs(utc_now() - found[1]).total_seconds()
        return Written(request=found[0], age_s=age_s, is_new=False)

    def _checkpoint(self, run: Run, attempt: Attempt) -> Save | None:
        """Return what was saved last by an earlier attempt, or by those of runs it repeats.

        Raises
        ------
        LaunchError
            If it is where this attempt cannot have it: it must not begin anew unasked.
        """
        asked = run
        numbers = range(attempt.number - 1, 0, -1)
        while True:
            for number in numbers:
                found = _save(self._artifacts.attempt_folder(run.id, number))
                if found is not None:
                    save = Save(run_id=run.id, number=number, path=found)
                    _check_reach(save, run.spec.bucket, asked.spec.bucket)
                    return save
            if run.retry_of is None:
                return None
            try:
                with self._store.read() as tx:
                    run = runs.get(tx, run.retry_of)
            except RunNotFound:
                return None  # deleted, with all that belonged to it
            numbers = range(run.attempt, 0, -1)

    def _cancelled(self, run: Run, attempt: Attempt, now: datetime) -> None:
        """End a run whose launches have all failed: nothing of it is anywhere."""
        ended = attempt.model_copy(update={"ended_at": now, "duration_s": 0.0, "charge_usd": 0.0})
        message = f"Cancelled before it started; the last launch failed: {attempt.message}"
        with self._store.write() as tx:
            if attempts.update(tx, ended):
                runs.apply(tx, run, run.advance(RunStatus.CANCELLED, now, message=message), now)

    def _refused(self, run: Run, attempt: Attempt, message: str, now: datetime) -> None:
        kind = FailureKind.INFRASTRUCTURE
        ended = attempt.model_copy(
            update={
                "ended_at": now, "duration_s": 0.0, "charge_usd": 0.0,
                "failure_kind": kind, "message": message,
            }
        )  # fmt: skip
        failed = run.advance(RunStatus.FAILED, now, failure_kind=kind, message=message)
        with self._store.write() as tx:
            attempts.update(tx, ended)
            runs.apply(tx, run, failed, now)


def _save(folder: Path) -> Path | None:
    """Return what an attempt has saved last, as `Save.path`."""
    found = protocol.newest_checkpoint(str(folder))
    if found is not None:
        return Path(found)
    listed = folder / protocol.CHECKPOINT_LIST
    return listed if listed.is_file() else None


def _check_reach(save: Save, there: Bucket | None, here: Bucket | None) -> None:
    """Refuse to go on from a save that is in a bucket which the job does not use."""
    if save.is_in_bucket and _address(there) != _address(here):
        raise LaunchError(
            f"its checkpoint is in {there.url if there else 'a bucket'}, and this run's files are "
            f"{f'in {here.url}' if here else 'in folders of this machine'}",
            retryable=False,
            next_step="retry it where it ran, or run it anew",
        )


def _address(bucket: Bucket | None) -> tuple[str, str | None] | None:
    """Return what a bucket is the same by, whoever reaches it by which profile."""
    return None if bucket is None else (bucket.url, bucket.endpoint)
