"""A daemon whose own disk is full: one clear line with what to do, and it goes on with room."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import witness
from docker_jobs import Jobs, archive
from own_daemon import OwnDaemon

import jupyter_flotilla as fl
from jupyter_flotilla.engines.docker.image_store import ImageStore
from jupyter_flotilla.errors import DiskFull, EngineUnavailable, LaunchError

_PRUNE = "docker system prune"
#: Room for the files of a small container, in KiB.
_LITTLE = 1024


@pytest.fixture
def on_own_daemon(
    daemon: OwnDaemon, docker_ground: str, settings_file: Path, tmp_path: Path
) -> Iterator[None]:
    """Whatever is submitted runs on a daemon of the test's own."""
    lines = {"engine": "docker", "image": docker_ground}
    words = "".join(f"{name} = {json.dumps(value)}\n" for name, value in lines.items())
    settings_file.write_text(settings_file.read_text() + words)
    jobs = Jobs(docker_ground, tmp_path)
    yield
    jobs.remove_all()


def test_a_launch_without_room_is_repeated_and_starts_once_there_is_some(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    order = own_jobs.order("echo start >> starts")

    with daemon.full_disk(), pytest.raises(LaunchError, match="no room left") as raised:
        own_jobs.engine.launch(order)
    seen = own_jobs.end_with_repeats(own_jobs.engine.launch(order), order)

    assert raised.value.retryable
    assert _PRUNE in raised.value.message
    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded"
    assert witness.lines(order.attempt_folder / "work" / "starts") == ["start"]


@pytest.fixture
def known(on_own_daemon: None) -> None:
    """What the image has is known: later submits need not ask it."""
    assert fl.submit(["true"], wait=True).status == "SUCCEEDED"


def test_a_run_waits_for_room_and_says_so(known: None, daemon: OwnDaemon) -> None:
    def shown() -> str:
        return witness.flotilla("show", run.id).stdout

    with daemon.full_disk():
        run = fl.submit(["true"])
        witness.until(lambda: _PRUNE in shown(), "it says why it waits")

    assert run.wait().status == "SUCCEEDED"
    assert len(run.attempts) == 1


def test_a_run_that_waits_for_room_can_be_cancelled(known: None, daemon: OwnDaemon) -> None:
    with daemon.full_disk():
        run = fl.submit(["true"])
        witness.until(lambda: run.refresh().attempts and run.attempts[0].message, "it waits")

        run.cancel()

        assert run.wait().status == "CANCELLED"


def test_a_notebook_is_refused_before_the_launch(
    on_own_daemon: None, daemon: OwnDaemon, tmp_path: Path
) -> None:
    path = witness.notebook(tmp_path / "n.ipynb", "1")

    with daemon.full_disk():
        refused = witness.flotilla("run", path)

    assert refused.returncode == 2
    assert "the Docker daemon has no room left" in refused.stderr
    assert f"Next: {_PRUNE}" in refused.stderr


def test_an_image_that_does_not_fit_is_not_taken_for_one_that_is_not_there(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    with daemon.registry(archive({"big": os.urandom(3_000_000)})) as image:
        with (
            daemon.full_disk(_LITTLE),
            pytest.raises(EngineUnavailable, match="no room left for image") as raised,
        ):
            own_jobs.engine.image_digest(image)
        got = own_jobs.engine.image_digest(image)

    assert str(raised.value.next_step).startswith(_PRUNE)
    assert got.startswith("sha256:")
    daemon.docker("rmi", image)


def test_an_image_that_does_not_fit_when_it_is_built_is_told_so(
    daemon: OwnDaemon, docker_ground: str
) -> None:
    dockerfile = f"FROM {docker_ground}\nRUN head -c 5000000 /dev/urandom > /big\n"
    context = io.BytesIO(archive({"Dockerfile": dockerfile}))

    with daemon.full_disk(_LITTLE), pytest.raises(DiskFull) as raised:
        ImageStore().build(context, "flotilla-test:full", {}, lambda _: None)

    assert str(raised.value.next_step).startswith(_PRUNE)


def test_a_job_is_told_by_the_system_what_it_cannot_write(
    own_jobs: Jobs, daemon: OwnDaemon
) -> None:
    handle = own_jobs.begin(
        "touch ready; until [ -e go ]; do sleep 0.05; done; head -c 5000000 /dev/zero > /tmp/big"
    )

    with daemon.full_disk(_LITTLE):
        (Path(handle.ref) / "work" / "go").touch()
        ending = own_jobs.end(handle)

    assert (ending.outcome, ending.exit_code) == ("failed", 1)
