"""`engines.ecs.outcomes`: what a stopped task and a refused launch mean, line by line."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_flotilla.engines.ecs.outcomes import cut_off, refused, rejected, stopped
from jupyter_flotilla.model.advice import QUOTA_URL
from jupyter_flotilla.model.observation import Again, FailureKind

ENI = "Timeout waiting for network interface provisioning to complete."
DISK_WAIT = "Timeout waiting for EphemeralStorage provisioning to complete."
PULL = "CannotPullContainerError: pull image manifest has been retried 5 time(s): "
INIT = "ResourceInitializationError: unable to pull secrets or registry auth: "
LIMIT = "You’ve reached the limit on the number of vCPUs you can run concurrently"
CAPACITY = (
    "Capacity is unavailable at this time. Please try again later or in a different "
    "availability zone"
)
OOM = "OutOfMemoryError: Container killed due to memory usage"
EXITED = "Essential container in task exited"
OTHER = "arn:aws:ecs:us-east-1:123456789012:task/c/0123456789abcdef"


def task(code=None, reason="", exit_code=None, container_reason=None, containers=True):
    """Return an entry of DescribeTasks as it is once a task has stopped."""
    container = {"name": "job", "lastStatus": "STOPPED"}
    if exit_code is not None:
        container["exitCode"] = exit_code
    if container_reason is not None:
        container["reason"] = container_reason
    described = {"lastStatus": "STOPPED", "desiredStatus": "STOPPED", "stoppedReason": reason}
    if code is not None:
        described["stopCode"] = code
    return described | {"containers": [container] if containers else []}


def start(reason, **fields):
    return task("TaskFailedToStart", reason, **fields)


def exited(code, reason=EXITED, **fields):
    return task("EssentialContainerExited", reason, exit_code=code, **fields)


#: (what ECS says, kind, again, words of the message, words of the next step)
STOPPED = {
    "network interface": (start(ENI), "infrastructure", "free", "network interface", None),
    "ephemeral storage": (start(DISK_WAIT), "infrastructure", "free", "a disk in time", None),
    "pull: i/o timeout": (
        start(PULL + 'failed to do request: Head "https://registry-1.docker.io/v2/": dial tcp '
              "44.205.64.79:443: i/o timeout"),
        "image", "free", "could not be pulled", "internet",
    ),
    "pull: 5xx": (
        start(PULL + "unexpected status code 503 Service Unavailable"),
        "image", "free", "could not be pulled", "internet",
    ),
    "pull: TLS": (
        start(PULL + "net/http: TLS handshake timeout"),
        "image", "free", "could not be pulled", "internet",
    ),
    "pull: Docker Hub's limit": (
        start(PULL + "429 Too Many Requests - toomanyrequests: You have reached your "
              "unauthenticated pull rate limit."),
        "image", "free", "lets nobody pull so often", "pull-through cache",
    ),
    "pull: not found": (
        start(PULL + "failed to resolve ref docker.io/library/pyhton:3.12: not found"),
        "image", "never", "no such image", "--image",
    ),
    "pull: manifest unknown": (
        start(PULL + "manifest unknown: Requested image not found"),
        "image", "never", "no such image", "--image",
    ),
    "pull: unauthorized": (
        start(PULL + "unauthorized: authentication required"),
        "image", "never", "does not let", "execution role",
    ),
    "pull: no basic auth": (
        start(PULL + "no basic auth credentials"),
        "image", "never", "does not let", "execution role",
    ),
    "pull: 403": (
        start(PULL + "unexpected status code 403 Forbidden"),
        "image", "never", "does not let", "execution role",
    ),
    "pull: platform": (
        start(PULL + "image Manifest does not contain descriptor matching platform 'linux/amd64'"),
        "image", "never", "another kind of machine", "--arch",
    ),
    "pull: who knows": (start(PULL + "?!"), "image", "never", "could not be pulled", "--image"),
    "pull: disk": (
        start(PULL + "write /var/lib/x: no space left on device"),
        "environment", "disk", "disk is full", "--disk",
    ),
    "init: timeout": (
        start(INIT + "service call has been retried 5 time(s): RequestCanceled: request context "
              "canceled caused by: context deadline exceeded."),
        "infrastructure", "free", "could not be reached", "endpoints",
    ),
    "init: denied": (
        start(INIT + "unable to retrieve secrets from ssm: service call has been retried 1 "
              "time(s): AccessDeniedException: User: x is not authorized"),
        "environment", "never", "may not be read", "execution role",
    ),
    "init: log group": (
        start("ResourceInitializationError: failed to validate logger args: create stream: "
              "ResourceNotFoundException: The specified log group does not exist."),
        "environment", "never", "do not exist", "execution role",
    ),
    "init: who knows": (
        start("ResourceInitializationError: ?"), "environment", "never", "prepared", "doctor",
    ),
    "no containers": (
        start("Task failed to start", containers=False),
        "infrastructure", "capacity", "No machine has taken it", "smaller",
    ),
    "capacity while it starts": (
        start(CAPACITY), "infrastructure", "capacity", "no capacity", "availability zones",
    ),
    "vCPU limit while it starts": (start(LIMIT), "quota", "hold", "quota is in use", QUOTA_URL),
    "start: who knows": (start("?"), "infrastructure", "free", "has not started", None),
    "cannot start container": (
        start("CannotStartContainerError: Error response from daemon: /bin/sh: not found"),
        "image", "never", "cannot run jobs", "/bin/sh",
    ),
    "exec format error": (
        exited(1, container_reason="exec /bin/sh: exec format error"),
        "image", "never", "another kind of machine", "--arch",
    ),
    "out of memory": (
        exited(137, container_reason=OOM), "out-of-memory", "oom", "Out of memory", None,
    ),
    "killed, memory unknown": (exited(137), "lost", "never", "killed", None),
    "segmentation fault": (exited(139), "user-error", "user", "segmentation fault", None),
    "abort": (exited(134), "user-error", "user", "abort", None),
    "143 of Spot": (
        task("SpotInterruption", "Your Spot Task was interrupted.", exit_code=143),
        "spot-reclaimed", "spot", "took back", None,
    ),
    "Spot without an exit code": (
        task("SpotInterruption", ""), "spot-reclaimed", "spot", "took back", None,
    ),
    "Spot by its words": (
        task("EssentialContainerExited", "Your Spot Task was interrupted.", exit_code=143),
        "spot-reclaimed", "spot", "took back", None,
    ),
    "143 of nobody": (exited(143), "user-error", "user", "terminated, not by Flotilla", None),
    "termination notice": (
        task("TerminationNotice", "", exit_code=143), "infrastructure", "free", "went away", None,
    ),
    "host terminated": (
        task("EssentialContainerExited", "Host EC2 (instance i-0abc) terminated."),
        "infrastructure", "free", "went away", None,
    ),
    "infrastructure health": (
        task("InfrastructureHealth", "x"), "infrastructure", "free", "went away", None,
    ),
    "service": (
        task("ServiceSchedulerInitiated", "Scaling activity"), "lost", "never", "service", None,
    ),
    "stopped by somebody": (
        task("UserInitiated", "Task stopped by user", exit_code=137),
        "lost", "never", "outside of Flotilla", None,
    ),
    "other exit": (exited(3), "user-error", "user", "exit code 3", None),
    "exit 1": (exited(1), "user-error", "user", "exit code 1", None),
    "no shell": (exited(127), "image", "never", "no Python", "Python 3.8"),
    "not executable": (exited(126), "image", "never", "cannot run jobs", "Python 3.8"),
    "lease": (exited(75), "lost", "never", "Another task has begun", None),
    "tampered": (exited(65), "environment", "never", "not what was sent", None),
    "no input": (exited(74), "environment", "free", "could not get its files", "task role"),
    "not uploaded": (exited(73), "environment", "never", "did not take its results", "doctor"),
    "ended well without a record": (exited(0), "lost", "never", "never came", None),
    "no exit code": (task("EssentialContainerExited", EXITED), "infrastructure", "free",
                     "without an exit code", None),
    "nothing at all": ({"lastStatus": "STOPPED"}, "infrastructure", "free",
                       "without an exit code", None),
}  # fmt: skip


@pytest.mark.parametrize("case", STOPPED)
def test_a_stopped_task_means(case):
    described, kind, again, words, step = STOPPED[case]

    verdict = stopped(described, stop_asked=False, peak_fraction=None)

    assert (verdict.outcome, verdict.failure_kind, verdict.again) == ("failed", kind, again)
    assert words in verdict.message
    assert (step or "") in (verdict.next_step or "")
    assert (verdict.next_step is None) == (step is None)


#: What ECS alone can know, whatever the job has recorded of its end.
CUT_OFF = {
    "143 of Spot", "Spot without an exit code", "Spot by its words", "termination notice",
    "host terminated", "infrastructure health", "service", "stopped by somebody", "out of memory",
}  # fmt: skip


@pytest.mark.parametrize("case", STOPPED)
def test_only_what_ecs_alone_can_know_counts_for_a_job_that_recorded_its_end(case):
    verdict = cut_off(STOPPED[case][0])

    assert (verdict is not None) == (case in CUT_OFF)
    if verdict is not None:
        assert verdict == stopped(STOPPED[case][0], stop_asked=False, peak_fraction=None)


@pytest.mark.parametrize("case", STOPPED)
def test_what_we_have_stopped_is_cancelled_whatever_ecs_says(case):
    verdict = stopped(STOPPED[case][0], stop_asked=True, peak_fraction=1.0)

    assert (verdict.outcome, verdict.failure_kind, verdict.again) == ("cancelled", None, "never")


@pytest.mark.parametrize(
    ("peak_fraction", "kind", "again"),
    [
        (0.91, "out-of-memory", "oom"),
        (1.0, "out-of-memory", "oom"),
        (0.9, "lost", "never"),
        (0.1, "lost", "never"),
        (None, "lost", "never"),
    ],
)
def test_a_kill_is_out_of_memory_only_where_memory_was_nearly_used_up(peak_fraction, kind, again):
    verdict = stopped(exited(137), stop_asked=False, peak_fraction=peak_fraction)

    assert (verdict.failure_kind, verdict.again) == (kind, again)


def test_the_fence_names_the_task_that_holds_the_attempt():
    verdict = stopped(exited(75), stop_asked=False, peak_fraction=None, lease_arn=OTHER)

    assert OTHER in verdict.message
    assert OTHER in verdict.next_step


@pytest.mark.parametrize(
    ("of_task", "step"),
    [
        ({}, "--disk 100G"),
        ({"ephemeralStorage": {"sizeInGiB": 40}}, "--disk 100G"),
        ({"ephemeralStorage": {"sizeInGiB": 90}}, "--disk 180G"),
        ({"ephemeralStorage": {"sizeInGiB": 150}}, "--disk 200G"),
        ({"ephemeralStorage": {"sizeInGiB": 200}}, "no task has a disk of more than 200 GiB"),
        ({"launchType": "EC2"}, "fewer or smaller files, or a smaller image"),
    ],
)
@pytest.mark.parametrize(
    "full", [exited(72), start(PULL + "no space left on device")], ids=["files", "image"]
)
def test_a_full_disk_asks_for_more_than_it_had(full, of_task, step):
    verdict = stopped(full | of_task, stop_asked=False, peak_fraction=None)

    assert verdict.again is Again.DISK
    assert step in verdict.next_step


def test_the_jobs_own_container_is_asked_by_its_name():
    described = exited(3)
    described["containers"].insert(0, {"name": "sidecar", "exitCode": 0})

    verdict = stopped(described, stop_asked=False, peak_fraction=None, container="job")

    assert "exit code 3" in verdict.message


def test_what_task_and_container_both_say_is_said_once():
    said = f"{PULL}gone:1: not found"

    verdict = stopped(start(said, container_reason=said), stop_asked=False, peak_fraction=None)

    assert verdict.message.count("gone:1") == 1


def test_awss_own_words_are_quoted_on_one_line_and_cut():
    verdict = stopped(exited(3, reason="a\x1b[31m\n" + "b" * 2000), stop_asked=False,
                      peak_fraction=None)  # fmt: skip

    assert "AWS says: a" in verdict.message
    assert "\n" not in verdict.message
    assert "\x1b" not in verdict.message
    assert len(verdict.message) < 600


#: (failures of RunTask, kind, again)
REFUSED = {
    "cpu": (["RESOURCE:CPU"], "infrastructure", "capacity"),
    "memory": (["RESOURCE:MEMORY"], "infrastructure", "capacity"),
    "gpu": (["RESOURCE:GPU"], "infrastructure", "capacity"),
    "network interfaces": (["RESOURCE:ENI"], "infrastructure", "capacity"),
    "ports": (["RESOURCE:PORTS"], "infrastructure", "capacity"),
    "agent": (["AGENT"], "infrastructure", "free"),
    "attribute": (["ATTRIBUTE"], "environment", "never"),
    "Fargate": ([CAPACITY], "infrastructure", "capacity"),
    "vCPU limit": ([LIMIT], "quota", "hold"),
    "vCPU limit, plain": ([LIMIT.replace("’", "'")], "quota", "hold"),
    "above the limit": (
        ["The requested CPU configuration is above your limit."], "quota", "never",
    ),
    "who knows": (["?"], "infrastructure", "never"),
    "nothing": ([], "infrastructure", "same-token"),
    "one of many is full": (["ATTRIBUTE", "RESOURCE:CPU"], "infrastructure", "capacity"),
    "one of many agents is away": (["ATTRIBUTE", "AGENT"], "infrastructure", "free"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_failures_of_a_launch_mean(case):
    reasons, kind, again = REFUSED[case]

    verdict = refused([{"arn": "arn:x", "reason": reason} for reason in reasons])

    assert (verdict.failure_kind, verdict.again) == (kind, again)
    assert verdict.message


def test_the_attribute_that_is_missing_is_said():
    verdict = refused([{"reason": "ATTRIBUTE", "detail": "ecs.os-type"}])

    assert "ecs.os-type" in verdict.message


#: (code, message, kind, again) of RunTask's errors.
REJECTED = {
    "throttle": ("ThrottlingException", "Rate exceeded", "infrastructure", "same-token"),
    "throttle in disguise": (
        "ClientException", "Too many concurrent attempts to create a new revision",
        "infrastructure", "same-token",
    ),
    "server": ("ServerException", "x", "infrastructure", "same-token"),
    "no answer": ("", "Read timeout", "infrastructure", "same-token"),
    "503": ("ServiceUnavailable", "x", "infrastructure", "same-token"),
    "conflict": ("ConflictException", "x", "infrastructure", "same-token"),
    "login": ("ExpiredTokenException", "x", "infrastructure", "same-token"),
    "provisioning": (
        "ClientException", "The maximum number of tasks in the PROVISIONING state was reached",
        "quota", "hold",
    ),
    "vCPU limit": ("ClientException", LIMIT, "quota", "hold"),
    "capacity": ("ClientException", CAPACITY, "infrastructure", "capacity"),
    "parameter": ("InvalidParameterException", "No Fargate configuration", "environment", "never"),
    "permission": ("AccessDeniedException", "x", "environment", "never"),
    "cluster": ("ClusterNotFoundException", "Cluster not found.", "environment", "never"),
    "feature": ("UnsupportedFeatureException", "x", "environment", "never"),
    "platform": (
        "PlatformTaskDefinitionIncompatibilityException", "x", "environment", "never",
    ),
    "unknown platform": ("PlatformUnknownException", "x", "environment", "never"),
    "blocked": ("BlockedException", "x", "environment", "never"),
    "inactive": ("ClientException", "TaskDefinition is inactive", "environment", "never"),
}  # fmt: skip


@pytest.mark.parametrize("case", REJECTED)
def test_errors_of_a_launch_mean(case):
    code, message, kind, again = REJECTED[case]

    verdict = rejected(code, message)

    assert (verdict.failure_kind, verdict.again) == (kind, again)
    assert message.split()[0] in verdict.message
    if verdict.again is Again.NEVER:
        assert verdict.next_step


@given(
    code=st.none() | st.text(max_size=20),
    reason=st.text(max_size=200),
    exit_code=st.none() | st.integers(-1, 300),
    peak_fraction=st.none() | st.floats(0, 2),
)
def test_whatever_ecs_says_there_is_a_verdict(code, reason, exit_code, peak_fraction):
    verdict = stopped(task(code, reason, exit_code), stop_asked=False, peak_fraction=peak_fraction)

    assert verdict.failure_kind in FailureKind
    # that a task has stopped is sure, whatever the reason
    assert verdict.again is not Again.SAME_TOKEN


def test_a_verdict_becomes_an_ending_with_its_step():
    now = datetime(2026, 11, 25, tzinfo=UTC)
    verdict = stopped(start(CAPACITY), stop_asked=False, peak_fraction=None)

    ending = verdict.ending(ended_at=now, duration_s=0.0)

    assert (ending.again, ending.next_step) == (Again.CAPACITY, verdict.next_step)
    assert (ending.failure_kind, ending.message) == ("infrastructure", verdict.message)
