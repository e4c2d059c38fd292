"""Names of the files of an attempt's folder, and of variables inside a job."""

#: Version of everything in this module; a reader refuses a larger one.
PROTOCOL_VERSION = 1

JOB = "job.json"
#: In S3: which container has begun an attempt.
LEASE = "lease"
STARTED = "started.json"
RUNNER_LOCK = "runner.lock"
RUNNER_LOG = "runner.log"
STOP = "stop.json"
STOP_REQUEST = "stop-request.json"
STREAM = "stream"
BLOBS = "blobs"
NOTEBOOK = "notebook.ipynb"
SAID = "said.jsonl"
PROGRESS = "progress.json"
OUTCOME = "outcome.json"
#: In a container: that user code is over, and only saving and uploading goes on.
CODE_ENDED = "code-ended.json"
USAGE = "usage.json"
USAGE_SERIES = "usage.jsonl"
EXIT = "exit.json"
OUTPUTS = "outputs.json"
VALUES = "values"
#: The job's checkpoint folder; its saves are beside it (`checkpoints`).
CHECKPOINT = "checkpoint"
#: In S3, a save's list of what is in it; the contents are below `CHECKPOINT`.
CHECKPOINT_LIST = "checkpoint.json"
#: Files that were brought back, each by its path below the job's working directory, and their
#: list: path → size in bytes.
FILES = "files"
FILES_LIST = "files.json"
#: Name of the value of a cell's last expression among its outputs.
RESULT = "_result"
#: Name of what a called function has returned, among them.
RETURNED = "_returned"
SUPERVISOR = "supervisor.json"
PROCESSES = "processes.json"
SOCKETS = "sockets.json"
SUPERVISOR_STARTS = "supervisor.starts"
SUPERVISOR_LOCK = "supervisor.lock"
SUPERVISOR_LOG = "supervisor.log"

#: Environment of the job: id of the run, launch key, where ``job`` writes, its checkpoint folder.
ENV_RUN_ID = "FLOTILLA_RUN_ID"
ENV_LAUNCH_KEY = "FLOTILLA_LAUNCH_KEY"
ENV_SAID = "FLOTILLA_SAID"
ENV_CHECKPOINT = "FLOTILLA_CHECKPOINT_DIR"
