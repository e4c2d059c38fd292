"""What a job in a container leaves: its files are the user's, and nothing of it runs on."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
import small_disk
import witness
from docker_jobs import Jobs, work

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.model.job import SecretRef
from jupyter_flotilla.model.observation import FailureKind

#: Somebody whom the image does not know.
_SOMEBODY = 54321
_ORPHANS = """
import os, time
for _ in range(500):
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(0.2)
        os._exit(0)
    os.wait()
time.sleep(0.5)
open('ready', 'w').close()
time.sleep(60)
"""


class SomebodysDaemon(Daemon):
    """A daemon that is told to start what belongs to `_SOMEBODY`: only here it is made by root."""

    def create(self, name: str, body: Mapping[str, Any]) -> None:
        for mount in body["HostConfig"]["Mounts"]:
            source = Path(mount["Source"])
            for path in [source, *source.rglob("*")]:
                os.chown(path, _SOMEBODY, _SOMEBODY)
        super().create(name, body)


@pytest.fixture
def jobs_of_somebody(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Jobs of a user who is neither root nor known to the image."""
    if os.getuid() != 0:
        pytest.skip("to be somebody else needs root")
    monkeypatch.setattr(os, "getuid", lambda: _SOMEBODY)
    monkeypatch.setattr(os, "getgid", lambda: _SOMEBODY)
    jobs.engine = jobs.another_engine(SomebodysDaemon())
    return jobs


def test_files_of_a_job_are_the_users_own(jobs_of_somebody: Jobs) -> None:
    handle = jobs_of_somebody.launch("mkdir sub; echo x > sub/file")

    assert jobs_of_somebody.end(handle).outcome == "succeeded"
    owners = {path.stat().st_uid for path in [work(handle), *work(handle).rglob("*")]}
    assert owners == {_SOMEBODY}


def test_a_user_whom_the_image_does_not_know_has_a_home_and_a_name(jobs_of_somebody: Jobs) -> None:
    script = 'echo x > "$HOME/here" && python3 -c "import getpass; getpass.getuser()"'

    ending = jobs_of_somebody.run(script)

    assert ending.outcome == "succeeded", ending.message


def test_a_user_whom_the_image_does_not_know_gets_secrets(
    jobs_of_somebody: Jobs, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hush")
    ref = SecretRef(name="TOKEN", source=f"file:{tmp_path / 'secret'}")

    ending = jobs_of_somebody.run('[ "$TOKEN" = hush ]', secrets=(ref,))

    assert ending.outcome == "succeeded", ending.message


def test_zombies_are_reaped(jobs: Jobs) -> None:
    handle = jobs.begin("python3", "-c", _ORPHANS)

    first = psutil.Process(jobs.inspect(handle)["State"]["Pid"])

    def zombies() -> list[int]:
        below = first.children(recursive=True)
        return [one.pid for one in below if one.status() == psutil.STATUS_ZOMBIE]

    witness.until(lambda: zombies() == [])


def test_leftovers_have_ended_before_the_end_is_told(jobs: Jobs) -> None:
    stubborn = "trap '' TERM; while true; do date +%s%N > now; sleep 0.01; done"

    handle = jobs.launch(f'setsid sh -c "{stubborn}" & sleep 0.2; echo done')
    jobs.end(handle)
    last = (work(handle) / "now").read_text()
    witness.until(lambda: jobs.inspect(handle)["State"]["Status"] == "exited")

    assert (work(handle) / "now").read_text() == last


def test_a_leftover_that_forks_all_the_time_does_not_hold_up_the_end(jobs: Jobs) -> None:
    chain = (
        "import os, signal, time\n"
        "signal.signal(15, signal.SIG_IGN)\n"
        "while True:\n"
        "    if os.fork(): os._exit(0)\n"
        "    os.setsid(); time.sleep(0.002)\n"
    )

    handle = jobs.launch(f"setsid python3 -c '{chain}' & sleep 0.2; echo done")

    ending = jobs.end(handle)
    assert ending.outcome == "succeeded"


def test_a_deleted_run_ends_its_job(jobs: Jobs) -> None:
    handle = jobs.begin("touch ready; sleep 60")

    (Path(handle.ref) / protocol.JOB).unlink()

    witness.until(lambda: jobs.inspect(handle)["State"]["Status"] == "exited")


def test_200_megabytes_of_output_arrive_whole(jobs: Jobs) -> None:
    handle = jobs.launch("yes 0123456789abcde | head -c 200000000")

    assert jobs.end(handle).outcome == "succeeded"
    segments = Path(handle.ref).rglob("*")
    assert sum(path.stat().st_size for path in segments if path.is_file()) >= 200_000_000
    assert protocol.StreamReader(handle.ref).tail(1, 2**20).endswith("0123456789abcde\n")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    if os.getuid() != 0:
        pytest.skip("mounting a small disk needs root")
    with small_disk.mounted(tmp_path / "disk") as path:
        yield path


def test_a_job_that_fills_its_disk_fails_by_its_own_error(
    small: Path, home: Path, docker_ground: str
) -> None:
    jobs = Jobs(docker_ground, small)
    handle = jobs.launch("head -c 5000000 /dev/zero > big || exit 4")

    seen = jobs.until(handle, lambda seen: seen.state == "ended")
    jobs.remove_all()

    assert seen.ending is not None
    assert (seen.ending.failure_kind, seen.ending.exit_code) == (FailureKind.USER_ERROR, 4)


def test_a_job_whose_disk_others_fill_ends_once_there_is_room(
    small: Path, home: Path, docker_ground: str
) -> None:
    jobs = Jobs(docker_ground, small)
    handle = jobs.begin("touch ready; while [ -e ready ]; do sleep 0.1; done; exit 4")
    ballast = small_disk.fill(small)
    (work(handle) / "ready").unlink()
    jobs.until(handle, lambda seen: seen.state in ("running", "ended"))

    ballast.unlink()
    ending = jobs.end(handle)
    jobs.remove_all()

    assert ending.exit_code == 4


def test_a_launch_onto_a_full_disk_is_told_or_repeated(
    small: Path, home: Path, docker_ground: str
) -> None:
    jobs = Jobs(docker_ground, small)
    order = jobs.order("echo start >> starts")
    ballast = small_disk.fill(small)
    with pytest.raises(OSError, match="No space left"):
        jobs.engine.launch(order)

    ballast.unlink()
    ending = jobs.end(jobs.engine.launch(order))
    jobs.remove_all()

    assert ending.outcome == "succeeded"
