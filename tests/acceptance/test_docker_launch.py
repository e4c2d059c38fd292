"""A launch that is cut off anywhere, repeated or made twice starts user code exactly once."""

import json
import stat
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest
import witness
from docker_jobs import Jobs, Killed, KilledBefore, docker, name_of, name_of_order, work

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.docker.daemon import Daemon, Listed
from jupyter_flotilla.model.job import SecretRef
from jupyter_flotilla.model.observation import FailureKind
from jupyter_flotilla.model.resources import Resources

_START = "echo start >> starts"


@pytest.fixture
def secret(tmp_path: Path) -> SecretRef:
    path = tmp_path / "secret"
    path.write_text("hush-hush " * 10_000)
    return SecretRef(name="TOKEN", source=f"file:{path}")


def _ended_containers(jobs: Jobs) -> list[str]:
    listed = jobs.daemon.containers(jobs.engine.home_label)
    return [name for name, one in listed.items() if one.state in ("created", "exited")]


@pytest.mark.parametrize("verb", ["create", "start", "send", "end of send"])
def test_a_launcher_killed_before_a_step_costs_nothing(
    jobs: Jobs, secret: SecretRef, verb: str
) -> None:
    order = jobs.order(f"[ ${{#TOKEN}} = 100000 ] && {_START}", secrets=(secret,))
    with pytest.raises(Killed):
        jobs.another_engine(KilledBefore(verb)).launch(order)

    handle = jobs.engine.launch(order)
    seen = jobs.end_with_repeats(handle, order)

    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded", seen.ending.message
    assert witness.lines(work(handle) / "starts") == ["start"]


@pytest.mark.parametrize("has_secret", [True, False], ids=["secret", "no secret"])
def test_several_launchers_at_once_start_it_once(
    jobs: Jobs, secret: SecretRef, has_secret: bool
) -> None:
    order = jobs.order(f"{_START}; sleep 1", secrets=(secret,) if has_secret else ())
    engines = [jobs.another_engine() for _ in range(4)]
    threads = [threading.Thread(target=engine.launch, args=[order]) for engine in engines]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    handle = jobs.engine.launch(order)
    seen = jobs.end_with_repeats(handle, order)

    assert seen.ending is not None
    assert seen.ending.outcome == "succeeded", seen.ending.message
    assert witness.lines(work(handle) / "starts") == ["start"]


def test_a_look_from_before_the_launch_does_not_take_a_job_for_lost(jobs: Jobs) -> None:
    class Late(Daemon):
        def containers(self, home: str) -> dict[str, Listed]:
            return {}

    handle = jobs.begin("touch ready; sleep 60")

    [seen] = jobs.another_engine(Late()).poll([handle])

    assert seen.state == "unconfirmed"
    assert not (Path(handle.ref) / protocol.EXIT).exists()


def test_a_launcher_that_comes_after_the_end_was_told_starts_nothing(jobs: Jobs) -> None:
    order = jobs.order(_START)
    with pytest.raises(Killed):
        jobs.another_engine(KilledBefore("start")).launch(order)
    end = {"outcome": "failed", "failure_kind": "image", "ended_at": 0, "duration_s": 0}
    (order.attempt_folder / protocol.EXIT).write_text(json.dumps(end))

    docker("start", "--attach", name_of_order(order))

    assert not (order.attempt_folder / "work").exists()


def test_what_ends_again_and_again_before_it_begins_is_given_up(jobs: Jobs) -> None:
    order = jobs.order(_START)
    (order.attempt_folder / protocol.SUPERVISOR_STARTS).write_bytes(b"." * 20)

    handle = jobs.engine.launch(order)

    assert jobs.end(handle).failure_kind is FailureKind.ENVIRONMENT


def test_a_strangers_container_with_the_name_is_left_alone(jobs: Jobs, docker_ground: str) -> None:
    order = jobs.order(_START)
    name = name_of_order(order)
    docker("create", "--name", name, docker_ground, "touch", "/started")

    ending = jobs.end(jobs.engine.launch(order))
    state = docker("inspect", "--format", "{{.State.Status}}", name)
    docker("rm", name)

    assert state == "created\n"
    assert "a container that is not of this run has its name" in (ending.message or "")


def test_what_the_daemon_refuses_is_told_in_its_words(jobs: Jobs) -> None:
    ending = jobs.run("true", network="no-such-network")

    assert ending.failure_kind is FailureKind.ENVIRONMENT
    assert "network no-such-network not found" in (ending.message or "")


def test_gpus_that_are_not_here_are_told_so(jobs: Jobs) -> None:
    order = jobs.order("true", resources=Resources(cpu=1, gpu=1))

    ending = jobs.end(jobs.engine.launch(order))

    requests = json.loads(docker("inspect", name_of_order(order)))[0]["HostConfig"]
    if ending.outcome == "failed":  # there is none on most machines
        assert "Docker cannot give GPUs to containers" in (ending.message or "")
    assert requests["DeviceRequests"][0]["Capabilities"] == [["gpu"]]
    assert requests["DeviceRequests"][0]["Count"] == 1


def test_a_secret_is_where_only_the_job_sees_it(jobs: Jobs, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("sesame-open")
    ref = SecretRef(name="TOKEN", source=f"file:{path}")
    script = "[ ${#TOKEN} = 11 ] && touch ready; sleep 60"

    handle = jobs.begin(script, secrets=(ref,))

    assert "sesame-open" not in json.dumps(jobs.inspect(handle))
    assert "sesame-open" not in docker("logs", name_of(handle))
    files = [file for file in Path(handle.ref).rglob("*") if stat.S_ISREG(file.stat().st_mode)]
    assert [file for file in files if b"sesame-open" in file.read_bytes()] == []
    first = psutil.Process(jobs.inspect(handle)["State"]["Pid"])
    words = [word for one in [first, *first.children(recursive=True)] for word in one.cmdline()]
    assert "sesame-open" not in " ".join(words)


def test_a_megabyte_of_secrets_reaches_the_job(jobs: Jobs, tmp_path: Path) -> None:
    refs = []
    for number in range(10):
        path = tmp_path / f"secret-{number}"
        path.write_text(str(number) * 100_000)
        refs.append(SecretRef(name=f"SECRET_{number}", source=f"file:{path}"))
    count = "import os; print(sum(len(v) for k, v in os.environ.items() if 'SECRET_' in k))"

    handle = jobs.launch("python3", "-c", count, secrets=tuple(refs))

    assert jobs.end(handle).outcome == "succeeded"
    assert protocol.StreamReader(handle.ref).tail(1, 2**20) == "1000000\n"


def test_a_secret_that_cannot_be_read_is_named(jobs: Jobs) -> None:
    ending = jobs.run("true", secrets=(SecretRef(name="TOKEN", source="file:/nowhere/token"),))

    assert ending.failure_kind is FailureKind.ENVIRONMENT
    assert "secret TOKEN: /nowhere/token cannot be read" in (ending.message or "")


def test_secrets_for_an_image_without_python_do_not_hold_up_the_launch(
    jobs: Jobs, secret: SecretRef, no_python_image: str
) -> None:
    ending = jobs.run("true", image=no_python_image, secrets=(secret,))

    assert ending.failure_kind is FailureKind.IMAGE


def test_tidying_removes_what_has_ended_and_is_told(jobs: Jobs) -> None:
    jobs.run("true")
    jobs.run("true", resources=Resources(cpu=1, gpu=1))  # which stays created, without a GPU

    # the first one's end is told an instant before its container ends
    removed = witness.until(lambda: len(_ended_containers(jobs)) == 2 and jobs.engine.tidy())
    assert removed == 2
    assert jobs.daemon.containers(jobs.engine.home_label) == {}


def test_tidying_leaves_what_runs_and_what_is_not_told_yet(jobs: Jobs) -> None:
    running = jobs.begin("touch ready; sleep 60")
    untold = jobs.begin("touch ready; sleep 60")
    docker("kill", name_of(untold))

    assert jobs.engine.tidy() == 0
    assert len(jobs.daemon.containers(jobs.engine.home_label)) == 2
    assert jobs.look(running).state == "running"


def test_tidying_leaves_the_containers_of_others(
    jobs: Jobs, docker_ground: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handle = jobs.launch("true")
    jobs.end(handle)
    monkeypatch.setenv("FLOTILLA_HOME", str(tmp_path / "another home"))

    assert jobs.another_engine().tidy() == 0
    assert name_of(handle) in docker("ps", "-a", "--format", "{{.Names}}")


def test_two_hundred_handles_ask_the_daemon_once(jobs: Jobs) -> None:
    class Counting(Daemon):
        asked = 0

        def _container(self, name: str) -> Any:
            self.asked += 1
            return super()._container(name)

        def containers(self, home: str) -> dict[str, Listed]:
            self.asked += 1
            return super().containers(home)

    order = jobs.order("touch ready; sleep 60")
    handle = jobs.engine.launch(order)
    witness.until((work(handle) / "ready").exists)
    daemon = Counting()

    seen = jobs.another_engine(daemon).poll([handle] * 200)

    assert {one.state for one in seen} == {"running"}
    assert daemon.asked == 1
