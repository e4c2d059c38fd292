"""What host and job say to each other, in files. Standard library only, Python 3.8 and later.

One folder belongs to one attempt of one run::

    job.json        what to run                       written by the launcher, once
    started.json    the runner began                  written by the runner, exclusively: the fence
    stop.json       stop, and why                     written by the supervisor for the runner
    stream/         what the job says                 written by the runner
    checkpoint/     what the job keeps for the next  written by the job
    checkpoint.3/   a save of it                      written by the runner
    files/          what --fetch brings back          written by the runner
    notebook.ipynb  the executed notebook so far      written by the runner
    progress.json   how far the job is                written by the runner
    outcome.json    how the user's code ended         written by the runner, once
    usage.json      memory and CPU at the last look   written by the supervisor
    usage.jsonl     the same over time                written by the supervisor
    exit.json       how the attempt ended, for ever   written by the supervisor, once
"""

from .checkpoints import newest_checkpoint, saved_checkpoint, saved_numbers
from .files import (
    RESERVE_BYTES,
    Reserve,
    bytes_words,
    forget,
    note,
    open_private,
    read_json,
    write_json,
)
from .masking import SHORTEST
from .names import (
    BLOBS,
    CHECKPOINT,
    CHECKPOINT_LIST,
    CODE_ENDED,
    ENV_CHECKPOINT,
    ENV_LAUNCH_KEY,
    ENV_RUN_ID,
    ENV_SAID,
    EXIT,
    FILES,
    FILES_LIST,
    JOB,
    LEASE,
    NOTEBOOK,
    OUTCOME,
    OUTPUTS,
    PROCESSES,
    PROGRESS,
    PROTOCOL_VERSION,
    RESULT,
    RETURNED,
    RUNNER_LOCK,
    RUNNER_LOG,
    SAID,
    SOCKETS,
    STARTED,
    STOP,
    STOP_REQUEST,
    STREAM,
    SUPERVISOR,
    SUPERVISOR_LOCK,
    SUPERVISOR_LOG,
    SUPERVISOR_STARTS,
    USAGE,
    USAGE_SERIES,
    VALUES,
)
from .stream import (
    BLOB_BYTES,
    SEGMENT_BYTES,
    StreamReader,
    StreamWriter,
    record_bytes,
    record_text,
)

__all__ = [
    "BLOBS",
    "BLOB_BYTES",
    "CHECKPOINT",
    "CHECKPOINT_LIST",
    "CODE_ENDED",
    "ENV_CHECKPOINT",
    "ENV_LAUNCH_KEY",
    "ENV_RUN_ID",
    "ENV_SAID",
    "EXIT",
    "FILES",
    "FILES_LIST",
    "JOB",
    "LEASE",
    "NOTEBOOK",
    "OUTCOME",
    "OUTPUTS",
    "PROCESSES",
    "PROGRESS",
    "PROTOCOL_VERSION",
    "RESERVE_BYTES",
    "RESULT",
    "RETURNED",
    "RUNNER_LOCK",
    "RUNNER_LOG",
    "SAID",
    "SEGMENT_BYTES",
    "SHORTEST",
    "SOCKETS",
    "STARTED",
    "STOP",
    "STOP_REQUEST",
    "STREAM",
    "SUPERVISOR",
    "SUPERVISOR_LOCK",
    "SUPERVISOR_LOG",
    "SUPERVISOR_STARTS",
    "USAGE",
    "USAGE_SERIES",
    "VALUES",
    "Reserve",
    "StreamReader",
    "StreamWriter",
    "bytes_words",
    "forget",
    "newest_checkpoint",
    "note",
    "open_private",
    "read_json",
    "record_bytes",
    "record_text",
    "saved_checkpoint",
    "saved_numbers",
    "write_json",
]
