"""Run a command: its output into the stream, its exit code into the outcome."""

import codecs
import os
import select
import signal
import subprocess
import time
from typing import IO, Any, Dict, List

from jupyter_flotilla.runner.attempt import Attempt, Outcome, exit_words

#: How long output may still come once the command itself is gone: what it left in the
#: background may hold the pipes open for ever.
_DRAIN_S = 0.5
_DRAIN_AT_MOST_S = 3.0


def run_command(attempt: Attempt) -> Outcome:
    """Run the command of a job to its end, in a session of its own."""
    argv: List[str] = attempt.job["command"]
    try:
        process = subprocess.Popen(
            argv,
            env=dict(os.environ, **attempt.secrets),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return Outcome(
            "failed",
            exit_code=127,
            failure_kind="user-error",
            message="%r cannot be started in %s: %s" % (argv[0], os.getcwd(), error.strerror),
        )
    _pass_on_interrupts(process)
    _copy_output(process, attempt)
    return _outcome(process.wait(), attempt)


def _pass_on_interrupts(process: "subprocess.Popen[bytes]") -> None:
    def interrupt(signum: int, frame: Any) -> None:
        try:
            os.killpg(process.pid, signal.SIGINT)
        except ProcessLookupError:
            pass

    signal.signal(signal.SIGINT, interrupt)


def _copy_output(process: "subprocess.Popen[bytes]", attempt: Attempt) -> None:
    assert process.stdout is not None and process.stderr is not None
    kinds: Dict[IO[bytes], str] = {process.stdout: "stdout", process.stderr: "stderr"}
    # Half a UTF-8 sequence may end a read; what is no UTF-8 at all is kept byte for byte.
    decoders = {pipe: codecs.getincrementaldecoder("utf-8")("surrogateescape") for pipe in kinds}
    open_pipes = set(kinds)
    ended_at = None
    while open_pipes:
        if ended_at is None and process.poll() is not None:
            ended_at = time.monotonic()
        ready, _, _ = select.select(list(open_pipes), [], [], _DRAIN_S)
        is_over = ended_at is not None and time.monotonic() - ended_at > _DRAIN_AT_MOST_S
        if is_over or (ended_at is not None and not ready):
            return
        for pipe in ready:
            chunk = os.read(pipe.fileno(), 65536)
            if not chunk:
                open_pipes.discard(pipe)
            attempt.stream.text(kinds[pipe], decoders[pipe].decode(chunk, final=not chunk))


def _outcome(returncode: int, attempt: Attempt) -> Outcome:
    if returncode == 0:
        return Outcome("succeeded", exit_code=0)
    exit_code = returncode if returncode > 0 else None
    number = -returncode if returncode < 0 else None
    if attempt.stop_reason() is not None:
        return Outcome("stopped", exit_code=exit_code, signal=number)
    return Outcome(
        "failed",
        exit_code=exit_code,
        signal=number,
        failure_kind="user-error",
        message="The command ended with %s." % exit_words(exit_code, number),
    )
