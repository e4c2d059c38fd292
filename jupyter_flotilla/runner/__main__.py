"""Run the job of one attempt: ``python runner.pyz [--container] ATTEMPT_FOLDER [--s3]``.

With ``--container`` it is the first process of a container (`container`), which starts this again.

Secrets come as a JSON object on standard input. Exit code 0: the job succeeded; 1: it did not,
and ``outcome.json`` says why; 75: this attempt was already started, nothing was done.
"""

import json
import os
import signal
import sys
import traceback
from typing import Any, Dict, Optional

from jupyter_flotilla import protocol
from jupyter_flotilla.runner.attempt import Attempt, Outcome
from jupyter_flotilla.runner.checkpoint import Checkpoint

#: sysexits.h EX_TEMPFAIL, as ECS's lease uses it too.
ALREADY_STARTED = 75
#: sysexits.h EX_IOERR: nobody has begun, and another supervisor may start this again.
NO_SECRETS = 74


def main() -> int:
    """Run the job; everything that happens is in the attempt's folder."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        # a script has put whoever started us into the background; the job would inherit that
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1] == "--container":
        from jupyter_flotilla.runner import container

        return container.main(os.path.abspath(sys.argv[2]), has_s3="--s3" in sys.argv[3:])
    folder = os.path.abspath(sys.argv[1])
    secrets = _read_secrets()
    if secrets is None:
        return NO_SECRETS
    attempt = Attempt.begin(folder, secrets)
    if attempt is None:
        protocol.note(_by_whom(folder))
        return ALREADY_STARTED
    checkpoint = Checkpoint(attempt)
    try:
        outcome = _run(attempt, checkpoint)
    except ImportError as error:
        outcome = _environment_lacks(error)
    except Exception as error:
        # The runner's top: whatever happened must be recorded, or the user learns nothing.
        protocol.note(traceback.format_exc())
        outcome = Outcome(
            "failed",
            failure_kind="infrastructure",
            message="The runner failed: %s: %s" % (type(error).__name__, error),
        )
    _bring_back(attempt, checkpoint, outcome)
    attempt.end(outcome)
    return 0 if outcome.outcome == "succeeded" else 1


def _by_whom(folder: str) -> str:
    """Return that another process has this attempt, and which where it has said so."""
    started = protocol.read_json(os.path.join(folder, protocol.STARTED))
    pid = "" if started is None else ": process %s" % started.get("pid")
    return "flotilla: another process has begun this attempt%s" % pid


def _bring_back(attempt: Attempt, checkpoint: Checkpoint, outcome: Outcome) -> None:
    """Save what the job leaves behind. What goes wrong here is told, and changes no outcome."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the job is over: there is nothing to interrupt
    try:
        checkpoint.finish(outcome)
        if attempt.working_directory is not None and attempt.job.get("fetch"):
            from jupyter_flotilla.runner.fetch import fetch

            fetch(attempt, attempt.working_directory)
    except Exception as error:
        protocol.note(traceback.format_exc())
        attempt.tell("what the job left could not be brought back: %r" % error)


def _run(attempt: Attempt, checkpoint: Checkpoint) -> Outcome:
    try:
        attempt.enter_working_directory()
    except OSError as error:
        message = "%s cannot be entered: %s" % (error.filename, error.strerror)
        return Outcome("failed", failure_kind="environment", message=message)
    try:
        checkpoint.begin()
    except OSError as error:
        message = (
            "The checkpoint cannot be restored: %s\n"
            "  Next: mend that, then jupyter flotilla retry: what was saved is kept"
        ) % (error.strerror or error)
        return Outcome("failed", failure_kind="environment", message=message)
    if attempt.job["kind"] == "command":
        from jupyter_flotilla.runner.command import run_command

        return run_command(attempt)
    from jupyter_flotilla.runner.kernel import StartedKernel

    try:
        kernel = StartedKernel(attempt.job["kernel"], attempt.secrets)
    except OSError as error:
        return _no_kernel(attempt.job["kernel"], error)
    attempt.note_folder(kernel.folder)
    try:
        # Only now, while the kernel boots: this import takes as long.
        from jupyter_flotilla.runner.notebook import run_notebook

        return run_notebook(attempt, kernel)
    finally:
        kernel.kill()


def _no_kernel(kernel: Dict[str, Any], error: OSError) -> Outcome:
    return Outcome(
        "failed",
        failure_kind="environment",
        message="Kernel %r cannot be started: %s: %s"
        % (kernel["name"], kernel["argv"][0], error.strerror),
    )


def _environment_lacks(error: ImportError) -> Outcome:
    next_step = "%s -m pip install nbclient ipykernel" % sys.executable
    if "shared object" in str(error):
        next_step = "a system or image that has this library, e.g. python:3.12-slim"
    return Outcome(
        "failed",
        failure_kind="environment",
        message="%s cannot run notebooks: %s\n  Next: %s" % (sys.executable, error, next_step),
    )


def _read_secrets() -> Optional[Dict[str, str]]:
    """Return the secrets; None if the supervisor died before it could send any."""
    text = sys.stdin.read()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        secrets: Any = json.loads(text)
    except ValueError:
        return None
    return dict(secrets)


if __name__ == "__main__":
    assert protocol.PROTOCOL_VERSION == 1
    sys.exit(main())
