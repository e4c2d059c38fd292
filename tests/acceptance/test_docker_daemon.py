"""A daemon that is ended, killed or hangs, with jobs on it."""

import signal
import time
from pathlib import Path

import pytest
import witness
from docker_jobs import Jobs, name_of, work
from own_daemon import OwnDaemon

from jupyter_flotilla import protocol
from jupyter_flotilla.errors import LaunchError
from jupyter_flotilla.model.observation import FailureKind, Phase

# docker-py leaves a socket open where nobody listens
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

_TIDY = "trap 'echo yes > cleaned; exit 1' INT; touch ready; while true; do sleep 0.1; done"
_UNTIL_TOLD = "echo start >> starts; touch ready; until [ -e go ]; do sleep 0.05; done"


@pytest.fixture
def outliving(daemon: OwnDaemon) -> OwnDaemon:
    """A daemon whose containers outlive it."""
    daemon.end()
    daemon.start(live_restore=True)
    return daemon


@pytest.fixture
def taking_along(daemon: OwnDaemon) -> OwnDaemon:
    """A daemon whose containers end with it."""
    daemon.end()
    daemon.start(live_restore=False)
    return daemon


def test_a_daemon_that_ends_takes_its_jobs_along_after_their_clean_up(
    own_jobs: Jobs, taking_along: OwnDaemon
) -> None:
    handle = own_jobs.begin(_TIDY)

    taking_along.end()

    # told before the daemon is back
    assert own_jobs.end(handle).failure_kind is FailureKind.LOST
    assert (work(handle) / "cleaned").exists()


def test_a_job_outlives_its_daemon_where_that_restores_it(
    own_jobs: Jobs, outliving: OwnDaemon
) -> None:
    handle = own_jobs.begin(_UNTIL_TOLD)

    outliving.end()
    away = own_jobs.look(handle)
    outliving.start()
    own_jobs.until(handle, lambda seen: seen.phase is Phase.RUNNING)
    (work(handle) / "go").touch()

    assert (away.state, away.phase) == ("running", Phase.UNCONFIRMED)
    assert own_jobs.end(handle).outcome == "succeeded"
    assert witness.lines(work(handle) / "starts") == ["start"]


def test_a_job_that_ends_while_its_daemon_is_away_is_told_at_once(
    own_jobs: Jobs, outliving: OwnDaemon
) -> None:
    handle = own_jobs.begin(_UNTIL_TOLD)

    outliving.end()
    (work(handle) / "go").touch()

    assert own_jobs.end(handle).outcome == "succeeded"


def test_a_job_is_cancelled_while_its_daemon_is_away(own_jobs: Jobs, outliving: OwnDaemon) -> None:
    handle = own_jobs.begin(_TIDY)

    outliving.end()
    own_jobs.engine.stop(handle, 10)

    assert own_jobs.end(handle).outcome == "cancelled"


@pytest.mark.parametrize("live_restore", [True, False], ids=["restoring", "not restoring"])
def test_a_killed_daemon_does_not_leave_a_job_in_doubt(
    own_jobs: Jobs, daemon: OwnDaemon, live_restore: bool
) -> None:
    daemon.end()
    daemon.start(live_restore=live_restore)
    handle = own_jobs.begin(_UNTIL_TOLD)

    daemon.end(signal.SIGKILL)
    away = own_jobs.look(handle)
    daemon.start()
    (work(handle) / "go").touch()
    ending = own_jobs.end(handle)

    assert away.state == "running"
    assert ending.outcome == "succeeded" or ending.failure_kind is FailureKind.LOST
    assert witness.lines(work(handle) / "starts") == ["start"]


def test_a_daemon_that_lost_everything_has_lost_its_jobs(
    own_jobs: Jobs, taking_along: OwnDaemon
) -> None:
    handle = own_jobs.begin("trap '' INT TERM; touch ready; while true; do sleep 0.1; done")
    taking_along.docker("kill", name_of(handle))
    taking_along.docker("rm", name_of(handle))

    taking_along.end()
    away = own_jobs.look(handle)
    taking_along.start()

    assert away.phase is Phase.UNCONFIRMED
    assert own_jobs.end(handle).failure_kind is FailureKind.LOST


def test_a_launch_without_a_daemon_is_repeated_and_starts_once(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    order = own_jobs.order("echo start >> starts")
    daemon.end()

    with pytest.raises(LaunchError) as raised:
        own_jobs.engine.launch(order)
    daemon.start()
    handle = own_jobs.engine.launch(order)

    assert raised.value.retryable
    assert own_jobs.end(handle).outcome == "succeeded"
    assert witness.lines(work(handle) / "starts") == ["start"]


@pytest.mark.alone
def test_a_daemon_that_hangs_holds_up_a_look_once_and_not_for_long(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    handle = own_jobs.begin(_UNTIL_TOLD)
    daemon.send(signal.SIGSTOP)
    began = time.monotonic()

    seen = own_jobs.engine.poll([handle] * 20)
    took_s = time.monotonic() - began
    again = [own_jobs.look(handle) for _ in range(20)]

    assert {one.phase for one in [*seen, *again]} == {Phase.UNCONFIRMED}
    assert took_s < 10
    assert time.monotonic() - began < took_s + 1


@pytest.mark.alone
def test_a_daemon_that_hangs_holds_up_neither_a_launch_nor_a_stop(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    handle = own_jobs.begin(_TIDY)
    order = own_jobs.order("echo start >> starts")
    daemon.send(signal.SIGSTOP)
    own_jobs.look(handle)
    began = time.monotonic()

    own_jobs.engine.stop(handle, 10)
    with pytest.raises(LaunchError) as raised:
        own_jobs.engine.launch(order)

    assert raised.value.retryable
    assert time.monotonic() - began < 2
    assert own_jobs.end(handle).outcome == "cancelled"


def test_a_stop_before_the_start_is_obeyed_once_the_daemon_is_back(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    order = own_jobs.order("echo start >> starts")
    handle = own_jobs.handle(order)
    daemon.end()
    with pytest.raises(LaunchError):
        own_jobs.engine.launch(order)

    own_jobs.engine.stop(handle, 10)
    daemon.start()
    own_jobs.engine.launch(order)

    assert own_jobs.end(handle).outcome == "cancelled"
    assert not (Path(handle.ref) / protocol.STARTED).exists()
