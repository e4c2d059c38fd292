"""PENDING → RUNNING → final: asks the engine and writes what it says."""

import random
from datetime import datetime, timedelta

from jupyter_flotilla.dispatch.launcher import Launcher
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.model.advice import next_step
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.observation import Ending, Observation
from jupyter_flotilla.model.retry import Retry, is_payable, next_attempt, remaining_usd
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.store import attempts, runs
from jupyter_flotilla.store.connection import Store

#: Progress of a running attempt is written at most this often, and mere usage at most this.
_WRITE_PROGRESS_EVERY = timedelta(seconds=0.4)
_WRITE_USAGE_EVERY = timedelta(seconds=1)
#: A launch whose task cannot be confirmed is repeated at most this often.
_CONFIRM_EVERY = timedelta(seconds=1)

_FINAL = {
    "succeeded": RunStatus.SUCCEEDED,
    "failed": RunStatus.FAILED,
    "cancelled": RunStatus.CANCELLED,
}


class Poller:
    """Follows the open attempts of one engine.

    Parameters
    ----------
    retry_base_s
        First pause before a further attempt, in seconds.
    """

    def __init__(
        self, store: Store, engine: Engine, launcher: Launcher, *, retry_base_s: float
    ) -> None:
        self._store = store
        self._engine = engine
        self._launcher = launcher
        self._retry_base_s = retry_base_s
        self._written_at: dict[str, datetime] = {}

    def step(self, now: datetime) -> int:
        """Look at every open attempt; return how many runs moved."""
        with self._store.read() as tx:
            going_on = [
                attempt
                for attempt in attempts.open_of(tx, self._engine.name, self._engine.place)
                if attempt.handle is not None
            ]
            found = runs.get_all(tx, [attempt.run_id for attempt in going_on])
        launched = [(attempt, found[attempt.run_id]) for attempt in going_on]
        handles = [attempt.handle for attempt, _ in launched if attempt.handle is not None]
        seen = self._engine.poll(handles)
        moved = 0
        errors: list[Exception] = []
        for (attempt, run), observation in zip(launched, seen, strict=True):
            try:
                moved += self._follow(run, attempt, observation, now)
            except Exception as error:
                # Part of the loop's boundary: one bad run must not hold up those after it.
                error.add_note(f"while following {attempt.launch_key}")
                errors.append(error)
        self._forget({attempt.launch_key for attempt, _ in launched})
        if errors:
            raise ExceptionGroup(f"{len(errors)} runs could not be followed", errors)
        return moved

    def _follow(self, run: Run, attempt: Attempt, seen: Observation, now: datetime) -> int:
        if seen.state == "unconfirmed":
            if abs(now - (attempt.sent_at or attempt.claimed_at)) >= _CONFIRM_EVERY:
                self._launcher.launch(attempt.observed(seen, now), now)
            return 0
        if seen.state != "ended":
            attempt = self._pass_on_cancel(run, attempt, now)
        newer = attempt.observed(seen, now)
        if not self._is_worth_writing(attempt, newer, run, seen, now):
            return 0
        self._written_at[attempt.launch_key] = now
        retry = None
        if seen.ending is not None and seen.ending.outcome == "failed":
            larger = self._engine.retry_policy.larger
            newer = newer.model_copy(
                update={"next_step": next_step(run.spec, newer, self._engine.rate, larger)}
            )
            retry = self._retry(run, newer, now)
        with self._store.write() as tx:
            if not attempts.update(tx, newer):
                return 0
            moved = 0
            for old, new in _arrows(runs.get(tx, run.id), seen, retry, now):
                moved += runs.apply(tx, old, new, now)
        return moved

    def _retry(self, run: Run, failed: Attempt, now: datetime) -> Retry | None:
        """Return the attempt that follows a failed one, priced; None where there is none."""
        if run.cancel_requested_at is not None:
            return None
        with self._store.read() as tx:
            made = [*attempts.of_run(tx, run.id)[: failed.number - 1], failed]
        retry = next_attempt(
            run.spec,
            made,
            now,
            base_s=self._retry_base_s,
            jitter=random.random(),
            policy=self._engine.retry_policy,
        )
        if retry is None or not self._engine.fits(retry.resources):
            return None
        remaining = remaining_usd(run.spec, made)
        return retry if is_payable(retry, failed, remaining, self._engine.rate) else None

    def _pass_on_cancel(self, run: Run, attempt: Attempt, now: datetime) -> Attempt:
        """Tell the engine of a request to stop, and of a later one that is more urgent."""
        if run.cancel_requested_at is None or attempt.handle is None:
            return attempt
        told_s = attempt.stop_grace_s
        if told_s is not None and told_s <= run.cancel_grace_s:
            return attempt
        self._engine.stop(attempt.handle, run.cancel_grace_s)
        told = attempt.model_copy(update={"stop_sent_at": now, "stop_grace_s": run.cancel_grace_s})
        with self._store.write() as tx:
            attempts.update(tx, told)
        return told

    def _is_worth_writing(
        self, old: Attempt, new: Attempt, run: Run, seen: Observation, now: datetime
    ) -> bool:
        if not new.is_open or old.phase != new.phase:
            return True
        if old.billed_since != new.billed_since or old.rate != new.rate:
            return True
        if seen.state == "running" and run.status is RunStatus.PENDING:
            return True
        written_at = self._written_at.get(old.launch_key)
        age = _WRITE_USAGE_EVERY if written_at is None else abs(now - written_at)
        if old.progress != new.progress and age >= _WRITE_PROGRESS_EVERY:
            return True
        return old.usage != new.usage and age >= _WRITE_USAGE_EVERY

    def _forget(self, launched: set[str]) -> None:
        for key in self._written_at.keys() - launched:
            del self._written_at[key]


def _arrows(
    run: Run, seen: Observation, retry: Retry | None, now: datetime
) -> list[tuple[Run, Run]]:
    """Return the moves that an observation asks for, in order."""
    moves = []
    has_succeeded = seen.ending is not None and seen.ending.outcome == "succeeded"
    has_run = has_succeeded or (seen.started_at is not None and seen.state in ("running", "ended"))
    if run.status is RunStatus.PENDING and has_run:
        running = run.advance(RunStatus.RUNNING, seen.started_at or now)
        moves.append((run, running))
        run = running
    if seen.ending is not None and not run.status.is_final:
        is_retried = retry is not None and run.cancel_requested_at is None
        moves.append(
            (run, run.requeue(retry, now) if retry and is_retried else _ended(run, seen.ending))
        )
    return moves


def _ended(run: Run, ending: Ending) -> Run:
    return run.advance(
        _FINAL[ending.outcome],
        ending.ended_at,
        failure_kind=ending.failure_kind,
        message=ending.message,
    )
