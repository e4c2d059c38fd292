"""How an attempt ended whose container is gone, or ended without a word of it."""

import time
from datetime import datetime
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.docker.daemon import LIVES, NOT_UPLOADED, Daemon, NoContainer
from jupyter_flotilla.engines.docker.refusals import is_for_another_machine
from jupyter_flotilla.engines.remote import ROOM, is_sent
from jupyter_flotilla.protocol import ending

#: Exit codes of `runner.container` where nothing has begun and the launch can be repeated.
_ALREADY_STARTED = 75
_BEGAN_NOTHING = (74, _ALREADY_STARTED)
#: Of a shell: no such program, or none that can be executed.
_NO_PROGRAM = (126, 127)
_REMOVED = "Its container was removed from outside of Flotilla."
_WENT_AWAY = "Its container went away after the job had begun."
#: What processes leave behind that were killed before they could delete it.
_LEAVINGS = (protocol.SAID, protocol.SOCKETS, ".outcome-reserve", ".exit-reserve")


def examine(folder: Path, daemon: Daemon, name: str) -> dict[str, Any] | None:
    """Return what ``exit.json`` should have said; None: it lives, or can be started (again).

    Raises EngineUnavailable.
    """
    started = protocol.read_json(str(folder / protocol.STARTED))
    outcome = protocol.read_json(str(folder / protocol.OUTCOME))
    usage = protocol.read_json(str(folder / protocol.USAGE)) or {}
    seen_s, ended_at = float(usage.get("elapsed_s", 0.0)), time.time()
    try:
        state = daemon.state(name)
    except NoContainer:
        if started is None:
            return None
        record = ending.decide(_evidence(folder, None, "", usage))
        if record["failure_kind"] == "lost":
            record["message"] = _REMOVED
    else:
        code = int(state.get("ExitCode") or 0)
        # it may have been created, or started, since whoever asks has looked
        if state["Status"] in LIVES or state["Status"] == "created":
            return None
        # no other container can have the name: whoever has the attempt in the bucket is gone
        is_second = code == _ALREADY_STARTED and is_sent(folder)
        if started is None and code in _BEGAN_NOTHING and not is_second:
            return None
        seen_s, ended_at = _seen_s(state), _when(state, "FinishedAt")
        if is_second:
            record = _went_away(folder, usage)
        else:
            record = _ended_badly(folder, state, daemon, name, usage)
    for leaving in _LEAVINGS:
        protocol.forget(str(folder / leaving))
    return ending.ended(record, outcome, started, seen_s, ended_at)


def _ended_badly(
    folder: Path, state: dict[str, Any], daemon: Daemon, name: str, usage: dict[str, Any]
) -> dict[str, Any]:
    code, words = int(state.get("ExitCode") or 0), daemon.words(name)
    if _stop(folder) is None:
        if code == NOT_UPLOADED and not (folder / protocol.OUTCOME).exists():
            return _not_uploaded(name, words)
        if not (folder / protocol.STARTED).exists():
            if is_for_another_machine(words):
                message = f"The {daemon.other_machine(daemon.image_of(name))}."
                return {"outcome": "failed", "failure_kind": "image", "message": message}
            return _never_began(state, code, words)
    return ending.decide(_evidence(folder, state, words, usage))


def _never_began(state: dict[str, Any], code: int, words: str) -> dict[str, Any]:
    kind, message = "environment", f"Its container ended before the job began (exit code {code})."
    if state.get("OOMKilled"):
        kind, message = "out-of-memory", "Out of memory before the job began."
    elif code in _NO_PROGRAM:
        kind, message = "image", "The image cannot run jobs."
    elif code > 128:
        kind, message = "lost", f"Its container was killed by signal {code - 128}, not by Flotilla."
    said = f" It said: {words}" if words else ""
    return {"outcome": "failed", "failure_kind": kind, "message": message + said}


def _went_away(folder: Path, usage: dict[str, Any]) -> dict[str, Any]:
    """Return how an attempt ended that had begun in a container of which nothing is left."""
    record = ending.decide(_evidence(folder, None, "", usage)._replace(was_started=True))
    if record["failure_kind"] == "lost":
        record["message"] = _WENT_AWAY
    return record


def _not_uploaded(name: str, words: str) -> dict[str, Any]:
    # not lost: what S3 refuses it would refuse again, after another whole run
    return {
        "outcome": "failed",
        "failure_kind": "environment",
        "message": "The job has ended, but its results could not be uploaded. For a week they are "
        f"in its container: docker cp {name}:{ROOM}/attempt . It said: {words}",
    }


def _evidence(
    folder: Path, state: dict[str, Any] | None, words: str, usage: dict[str, Any]
) -> ending.Evidence:
    code = None if state is None else int(state.get("ExitCode") or 0)
    return ending.Evidence(
        outcome=protocol.read_json(str(folder / protocol.OUTCOME)),
        stop=_stop(folder),
        was_started=(folder / protocol.STARTED).exists(),
        runner_returncode=128 - code if code is not None and code > 128 else code,
        system_oom=state is not None and bool(state.get("OOMKilled")),
        runner_log=words,
        peak_memory_mib=float(usage.get("peak_memory_mib", 0.0)),
    )


def _stop(folder: Path) -> dict[str, Any] | None:
    """Return why it was stopped: as its first process says, or was asked to and could not say."""
    said = protocol.read_json(str(folder / protocol.STOP))
    asked = protocol.read_json(str(folder / protocol.STOP_REQUEST))
    if said is not None or asked is None:
        return said
    return {"reason": asked["reason"], "message": "Cancelled; it had to be killed from outside."}


def _seen_s(state: dict[str, Any]) -> float:
    return max(0.0, _when(state, "FinishedAt") - _when(state, "StartedAt"))


def _when(state: dict[str, Any], name: str) -> float:
    """Return a time of Docker's in seconds since the epoch; now, where it is none."""
    text = str(state.get(name, ""))
    try:
        # of nine digits after the point, which Python reads six of
        found = datetime.fromisoformat(text[:19] + "+00:00")
    except ValueError:
        return time.time()
    return found.timestamp() if found.year > 1 else time.time()
