"""Decides how an attempt ended, from what was seen of it, on whichever engine. Pure."""

from typing import Any, Dict, NamedTuple, Optional

#: Failure kind of each reason that the supervisor itself stops a job for. ``outside``: something
#: else stops the place where it runs, and nobody has cancelled the run.
_KINDS = {
    "out-of-memory": "out-of-memory",
    "timeout": "timeout",
    "cost-cap": "cost-cap",
    "outside": "lost",
}


class Evidence(NamedTuple):
    """What whoever supervises a job knows once its runner is gone."""

    #: ``outcome.json`` of the runner; None if it wrote none.
    outcome: Optional[Dict[str, Any]]
    #: ``stop.json``, ``{reason, message}``; None if nobody stopped the job.
    stop: Optional[Dict[str, Any]]
    #: False if user code never began.
    was_started: bool
    #: As `subprocess.Popen.returncode`; None if another supervisor had started the runner.
    runner_returncode: Optional[int]
    #: True if the system killed something for want of memory while the job ran.
    system_oom: bool
    #: Last lines of the runner's own log.
    runner_log: str
    peak_memory_mib: float


def decide(evidence: Evidence) -> Dict[str, Any]:
    """Return the fields of `model.observation.Ending` that say how it ended."""
    outcome, stop = evidence.outcome, evidence.stop
    if outcome is not None and outcome["outcome"] == "succeeded":
        # there may be something to say even so: that the notebook could not be saved
        return _ending("succeeded", message=outcome.get("message"), outcome=outcome)
    if stop is not None:
        if stop["reason"] == "cancel":
            return _ending("cancelled", message=stop["message"], outcome=outcome)
        return _ending("failed", _KINDS[stop["reason"]], stop["message"], outcome)
    if outcome is not None:
        return _failed_by_itself(outcome, evidence)
    return _left_no_outcome(evidence)


def ended(
    record: Dict[str, Any],
    outcome: Optional[Dict[str, Any]],
    started: Optional[Dict[str, Any]],
    seen_s: float,
    now: float,
) -> Dict[str, Any]:
    """Return a record of `decide` with when it ended, and after how long.

    Parameters
    ----------
    outcome, started
        What the runner wrote; None where it did not.
    seen_s
        Seconds that it was seen to run, which count where there is no outcome: it may have been
        cut off in another boot.
    now
        Seconds since the epoch.
    """
    outcome = outcome or {}
    duration_s = seen_s
    if started is not None and "monotonic" in outcome:
        duration_s = outcome["monotonic"] - started["monotonic"]
    return dict(record, ended_at=outcome.get("at") or now, duration_s=round(duration_s, 3))


def _failed_by_itself(outcome: Dict[str, Any], evidence: Evidence) -> Dict[str, Any]:
    error = outcome.get("error") or {}
    was_killed = error.get("ename") == "DeadKernelError" or outcome.get("signal") == 9
    if was_killed and evidence.system_oom:
        message = (
            "Out of memory: the system itself killed a process of the job "
            "(peak seen %.0f MiB). %s" % (evidence.peak_memory_mib, outcome["message"])
        )
        return _ending("failed", "out-of-memory", message, outcome)
    if outcome["outcome"] == "stopped":
        message = "The job was interrupted by a signal that Flotilla did not send."
        return _ending("failed", "user-error", message, outcome)
    kind = outcome["failure_kind"] or "user-error"
    return _ending("failed", kind, outcome["message"], outcome)


def _left_no_outcome(evidence: Evidence) -> Dict[str, Any]:
    code = evidence.runner_returncode
    log = " Its last words: %s" % evidence.runner_log if evidence.runner_log else ""
    if evidence.system_oom:
        message = "Out of memory: the system itself killed the job's runner."
        return _ending("failed", "out-of-memory", message)
    if not evidence.was_started and (code is None or code >= 0):
        message = "The job's Python did not start (exit code %s).%s" % (code, log)
        return _ending("failed", "environment", message)
    if code is not None and code < 0:
        how = "was killed by signal %d, not by Flotilla" % -code
    else:
        how = "is gone and left no result" + ("" if code is None else " (exit code %d)" % code)
    return _ending("failed", "lost", "The job's runner %s.%s" % (how, log))


def _ending(
    outcome_word: str,
    failure_kind: Optional[str] = None,
    message: Optional[str] = None,
    outcome: Optional[Dict[str, Any]] = None,
) -> Dict[str, Any]:
    outcome = outcome or {}
    return {
        "outcome": outcome_word,
        "failure_kind": failure_kind,
        "message": message,
        "exit_code": outcome.get("exit_code"),
        "signal": outcome.get("signal"),
        "failed_cell": (outcome.get("error") or {}).get("cell"),
    }
