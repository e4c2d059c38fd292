"""What a job keeps in its checkpoint folder is there when it is tried again."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_disk
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.engine import DockerEngine
from jupyter_flotilla.settings import load_settings

#: Counts how often it was begun, in its checkpoint folder.
_COUNT = """
import os, pathlib, time
folder = pathlib.Path(os.environ["FLOTILLA_CHECKPOINT_DIR"])
path = folder / "count 'é'"
count = int(path.read_text()) if path.exists() else 0
print("from", count, flush=True)
(folder / "part").write_text(str(count + 1))
(folder / "part").rename(path)
"""
_EAT = "if count < 1:\n    x = []\n    while True: x.append(bytearray(10**7))\n"


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits, and a save a second."""
    settings_file.write_text("idle_s = 5\nretry_delay_s = 0.1\ncheckpoint_every_s = 1\n")


def _python(code: str) -> list[str]:
    return ["python3", "-c", code]


def _counts(run: fl.RunHandle) -> list[str]:
    return [line for line in str(run.logs()).splitlines() if line.startswith("from")]


@pytest.mark.parametrize("how", ["command", "cell"])
def test_after_out_of_memory_the_larger_attempt_goes_on(how: str) -> None:
    wanted = {"memory": "300M", "on_oom": "double"}

    if how == "command":
        run = fl.submit(_python(_COUNT + _EAT), **wanted).wait()
    else:
        run = fl.run_source(_COUNT + _EAT, **wanted).wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert _counts(run) == ["from 0", "from 1"]


def test_after_a_timeout_the_retry_goes_on_with_what_finally_has_saved() -> None:
    code = (
        "from jupyter_flotilla import job\nimport time\n"
        "path = job.checkpoint_dir / 'n'\n"
        "print('from', path.read_text() if path.exists() else 'nothing')\n"
        "try:\n    time.sleep(0 if path.exists() else 99)\nfinally:\n    path.write_text('1')\n"
    )

    run = fl.run_source(code, timeout="5s", retries=1).wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert _counts(run) == ["from nothing", "from 1"]


def test_a_retry_by_hand_goes_on_and_so_does_the_retry_of_a_retry() -> None:
    first = fl.submit(_python(_COUNT + "raise SystemExit(1)")).wait()
    second = first.retry().wait()

    third = second.retry().wait()

    assert [_counts(run) for run in (first, second, third)] == [["from 0"], ["from 1"], ["from 2"]]
    assert "[flotilla: checkpoint restored: 1 file, 1 B]" in str(third.logs())


def test_after_a_cancel_a_retry_goes_on(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    first = fl.submit(_python(_COUNT + f"open({str(ready)!r}, 'w'); time.sleep(99)"))
    witness.until(ready.exists)
    first.cancel().wait()
    ready.unlink()

    second = first.retry()
    witness.until(ready.exists)

    assert _counts(second) == ["from 1"]
    second.cancel(grace=0).wait()


def test_a_retry_of_what_was_deleted_begins_anew() -> None:
    first = fl.submit(_python(_COUNT)).wait()
    second = first.retry(retries=1)
    second.wait()
    facade = first._flotilla
    third = facade.draft_retry(second.snapshot, facade.changes({}))
    facade.artifacts.delete(second.id)
    facade.artifacts.delete(first.id)

    run = fl.RunHandle(facade, facade.submit(third, retry_of=second.id)).wait()

    assert _counts(run) == ["from 0"]


def test_another_run_of_the_same_begins_anew() -> None:
    fl.submit(_python(_COUNT)).wait()

    assert _counts(fl.submit(_python(_COUNT)).wait()) == ["from 0"]


@pytest.mark.parametrize("who", ["runner", "runner and supervisor"])
def test_what_was_saved_at_an_interval_survives_kill_9(who: str) -> None:
    run = fl.submit(_python(_COUNT + "time.sleep(0 if count else 99)"))
    folder = run._folder()
    witness.until((folder / "checkpoint.1").exists)

    if who != "runner":
        witness.kill(witness.supervisor_of(folder))
    witness.kill(witness.runner_of(folder))
    run.wait()

    assert [attempt.failure_kind for attempt in run.attempts] == ["lost", None]
    assert _counts(run) == ["from 0", "from 1"]


def test_a_job_that_writes_all_the_time_is_saved_all_the_same() -> None:
    write = "for n in range(2, 999):\n    path.write_text(str(n)); time.sleep(0.05)"
    run = fl.submit(_python(_COUNT + "if not count:\n    " + write.replace("\n", "\n    ")))
    folder = run._folder()
    witness.until((folder / "checkpoint.2").exists)

    witness.kill(witness.runner_of(folder))
    run.wait()

    [first, second] = _counts(run)
    assert first == "from 0"
    assert int(second.split()[1]) > 20


_WRITER = """
import os, pathlib, string, time
folder = pathlib.Path(os.environ["FLOTILLA_CHECKPOINT_DIR"])
found = [path.read_text() for path in folder.iterdir()]
if found:
    print(len(found), all(text == text[:1] * 300_000 for text in found))
    raise SystemExit
while True:
    for letter in string.ascii_letters:
        for number in range(100):
            part = folder.parent / "part"
            part.write_text(letter * 300_000)
            part.rename(folder / str(number))
        time.sleep(1.5)  # so long it rests
"""


@pytest.mark.parametrize("moment_s", [0.0, 0.02, 0.05])
def test_a_kill_in_the_middle_of_a_save_leaves_the_save_before(moment_s: float) -> None:
    run = fl.submit(_python(_WRITER))
    folder = run._folder()
    witness.until((folder / "checkpoint.1").exists)
    witness.until((folder / "checkpoint.saving").exists)

    if moment_s:
        witness.until(lambda: len(list((folder / "checkpoint.saving").glob("*"))) > moment_s * 500)
    witness.kill(witness.runner_of(folder))
    witness.kill(witness.supervisor_of(folder))
    run.wait()

    assert "100 True" in str(run.logs())


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told_and_does_not_fail_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("FLOTILLA_HOME", str(disk / "home"))
        grow = "(folder / 'large').write_bytes(bytes(1_200_000)); time.sleep(4)"

        run = fl.submit(_python(_COUNT + grow)).wait()

        assert run.status == "SUCCEEDED"
        assert "checkpoint cannot be saved: No space left on device" in str(run.logs())


@pytest.fixture
def _no_containers(docker_ground: str) -> Iterator[None]:
    """Whatever a test leaves in the daemon is gone at the end."""
    yield
    daemon = Daemon()
    for name in daemon.containers(DockerEngine(load_settings(), daemon).home_label):
        daemon.kill(name)
        daemon.remove(name)


@pytest.mark.usefixtures("_no_containers")
def test_in_containers_it_goes_on_after_out_of_memory_and_for_a_retry(docker_ground: str) -> None:
    run = fl.submit(
        _python(_COUNT + _EAT), engine="docker", image=docker_ground, deps="none",
        memory="100M", on_oom="double",
    ).wait()  # fmt: skip
    again = run.retry().wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert [*_counts(run), *_counts(again)] == ["from 0", "from 1", "from 2"]


@pytest.mark.usefixtures("_no_containers")
def test_a_container_that_puts_a_link_in_place_of_a_save_gets_nothing_of_this_machine(
    docker_ground: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("secret")
    script = (
        'ls "$FLOTILLA_CHECKPOINT_DIR"; cd "$FLOTILLA_CHECKPOINT_DIR/.."; '
        f"[ -e checkpoint.1 ] || ln -s {tmp_path} checkpoint.1"
    )
    first = fl.submit(["sh", "-c", script], engine="docker", image=docker_ground, deps="none")

    again = first.wait().retry().wait()

    assert first.status == "SUCCEEDED", first.explain()
    assert "secret" not in str(again.logs())


@pytest.mark.usefixtures("_no_containers")
def test_files_come_back_from_a_container(docker_ground: str, tmp_path: Path) -> None:
    script = "mkdir out; echo 1 > out/a.png; ln -s /etc/passwd out/p.png; exit 3"

    run = fl.submit(
        ["sh", "-c", script], engine="docker", image=docker_ground, deps="none",
        fetch=["out/*.png"],
    ).wait()  # fmt: skip

    assert run.status == "FAILED"
    assert dict(run.files()) == {"out/a.png": 2}
    assert [path.read_text() for path in run.download(to=tmp_path)] == ["1\n"]
