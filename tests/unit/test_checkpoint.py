"""Saves of a job's checkpoint folder: whole or not there, and no larger than they must be."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_flotilla import job, protocol
from jupyter_flotilla.runner.attempt import Attempt, Outcome
from jupyter_flotilla.runner.checkpoint import Checkpoint
from jupyter_flotilla.runner.snapshot import scan

DONE = Outcome("succeeded")
KILLED = Outcome("failed", signal=9)


class Stub(Attempt):
    """An attempt of a job that is this test."""

    def __init__(self, folder: Path, restore: str | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.folder = str(folder)
        self.job: dict[str, Any] = {"restore": restore}
        self.said: list[str] = []

    def tell(self, sentence: str) -> None:
        self.said.append(sentence)


@pytest.fixture
def attempt(weird_path: Path) -> Callable[..., Stub]:
    """Makes attempts; each goes on from the save that is given."""
    made: list[Stub] = []

    def make(restore: str | None = None) -> Stub:
        made.append(Stub(weird_path / str(len(made) + 1), restore))
        return made[-1]

    return make


def begun(attempt: Stub) -> tuple[Checkpoint, Path]:
    checkpoint = Checkpoint(attempt)
    checkpoint.begin()
    return checkpoint, Path(attempt.folder, "checkpoint")


def save(checkpoint: Checkpoint) -> None:
    assert checkpoint._try(scan(checkpoint._work))


def newest(attempt: Stub) -> Path:
    found = protocol.newest_checkpoint(attempt.folder)
    assert found is not None
    return Path(found)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_what_the_job_leaves_is_what_the_next_attempt_finds(attempt: Callable[..., Stub]) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "deep" / "empty").mkdir(parents=True)
    (work / "deep" / "a 'b'\n").write_text("1")
    (work / "deep" / "a 'b'\n").chmod(0o640)
    (work / os.fsdecode(b"\xff")).write_text("2")
    checkpoint.finish(DONE)

    second = attempt(str(newest(first)))
    _, there = begun(second)

    assert tree(there) == {"deep/a 'b'\n": "1", os.fsdecode(b"\xff"): "2"}
    assert (there / "deep" / "empty").is_dir()
    assert (there / "deep" / "a 'b'\n").stat().st_mode & 0o777 == 0o640
    assert second.said == ["checkpoint restored: 2 files, 2 B"]


def test_links_stay_links_and_lead_to_the_same_file_of_the_next_attempt(
    attempt: Callable[..., Stub],
) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "epoch-5").write_text("5")
    (work / "latest").symlink_to("epoch-5")
    (work / "absolute").symlink_to(work / "epoch-5")
    (work / "outside").symlink_to("/etc")
    os.mkfifo(work / "pipe")
    checkpoint.finish(DONE)

    _, there = begun(attempt(str(newest(first))))

    assert {name: str((there / name).readlink()) for name in ("latest", "absolute", "outside")} == {
        "latest": "epoch-5", "absolute": "epoch-5", "outside": "/etc",
    }  # fmt: skip
    assert not os.path.lexists(there / "pipe")


def test_nothing_is_saved_where_nothing_has_changed(attempt: Callable[..., Stub]) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "a").write_text("1")
    checkpoint.finish(DONE)

    second = attempt(str(newest(first)))
    begun(second)[0].finish(DONE)

    assert protocol.saved_numbers(second.folder) == []


def test_an_attempt_that_never_used_it_leaves_nothing(attempt: Callable[..., Stub]) -> None:
    one = attempt()
    begun(one)[0].finish(DONE)

    assert list(Path(one.folder).iterdir()) == []


def test_what_has_not_changed_is_the_same_file_under_a_second_name(
    attempt: Callable[..., Stub],
) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "large").write_text("large")
    (work / "small").write_text("1")
    save(checkpoint)
    (work / "small").write_text("22")
    save(checkpoint)

    earlier, later = Path(one.folder, "checkpoint.1"), Path(one.folder, "checkpoint.2")

    assert (earlier / "large").samefile(later / "large")
    assert not (later / "large").samefile(work / "large")
    assert (tree(earlier)["small"], tree(later)["small"]) == ("1", "22")


def test_an_unchanged_file_of_an_earlier_attempt_is_not_copied_again(
    attempt: Callable[..., Stub],
) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "large").write_text("large")
    checkpoint.finish(DONE)
    second = attempt(str(newest(first)))
    checkpoint, work = begun(second)
    (work / "new").write_text("new")

    checkpoint.finish(DONE)

    assert (newest(first) / "large").samefile(newest(second) / "large")
    assert tree(newest(second)) == {"large": "large", "new": "new"}


def test_a_job_that_writes_into_its_folder_changes_no_save(attempt: Callable[..., Stub]) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "a").write_text("1")
    checkpoint.finish(DONE)
    source = newest(first)

    checkpoint, there = begun(attempt(str(source)))
    with (there / "a").open("r+") as file:
        file.write("2")
    save(checkpoint)
    with (there / "a").open("r+") as file:
        file.write("3")

    assert tree(source) == {"a": "1"}
    assert tree(there.parent / "checkpoint.1") == {"a": "2"}


def test_the_newest_two_saves_are_kept(attempt: Callable[..., Stub]) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    for count in range(12):
        (work / "n").write_text(str(count) * count)
        save(checkpoint)

    assert protocol.saved_numbers(one.folder) == [11, 12]
    assert tree(newest(one)) == {"n": "11" * 11}


def test_what_the_job_has_removed_is_not_restored(attempt: Callable[..., Stub]) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    (work / "a").write_text("1")
    save(checkpoint)
    (work / "a").unlink()
    work.rmdir()

    checkpoint.finish(DONE)

    assert tree(newest(first)) == {}
    assert tree(begun(attempt(str(newest(first))))[1]) == {}


def test_a_job_that_is_killed_between_two_folders_keeps_its_last_save(
    attempt: Callable[..., Stub],
) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "a").write_text("1")
    save(checkpoint)
    work.rename(work.with_name("moved"))

    checkpoint.finish(KILLED)

    assert tree(newest(one)) == {"a": "1"}


def test_a_job_that_is_killed_while_it_writes_keeps_the_last_whole_file(
    attempt: Callable[..., Stub],
) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "model").write_text("w" * 2_000_000)
    save(checkpoint)
    checkpoint._seen = scan(work)
    with (work / "model").open("w") as file:
        file.write("x" * 1_500_000)
    (work / "half").write_text("h" * 1_500_000)
    (work / "step").write_text("7")

    checkpoint.finish(KILLED)

    saved = tree(newest(one))
    assert (saved["model"][0], len(saved["model"]), saved["step"]) == ("w", 2_000_000, "7")
    assert "half" not in saved
    [said] = one.said
    assert "half written" in said and "'model'" in said and "'half'" in said


def test_a_file_that_was_renamed_into_place_survives_a_kill(attempt: Callable[..., Stub]) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "model").write_text("w" * 2_000_000)
    save(checkpoint)
    checkpoint._seen = scan(work)
    (work / "part").write_text("x" * 2_000_000)
    (work / "part").rename(work / "model")

    checkpoint.finish(KILLED)

    assert tree(newest(one))["model"][0] == "x"


def test_a_job_that_ended_by_itself_is_saved_as_it_is(attempt: Callable[..., Stub]) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "model").write_text("w" * 2_000_000)

    checkpoint.finish(Outcome("failed", exit_code=1))

    assert len(tree(newest(one))["model"]) == 2_000_000
    assert not work.exists()


def test_half_a_save_is_none(attempt: Callable[..., Stub]) -> None:
    one = attempt()
    checkpoint, work = begun(one)
    (work / "a").write_text("1")
    save(checkpoint)
    half = Path(one.folder, "checkpoint.saving")
    half.mkdir()
    (half / "b").write_text("2")
    for name in ("checkpoint.x", "checkpoint.²", "checkpoint."):
        Path(one.folder, name).mkdir()
    Path(one.folder, "checkpoint.9").symlink_to("/etc")

    assert newest(one).name == "checkpoint.1"
    (work / "a").write_text("22")
    save(checkpoint)
    assert tree(newest(one)) == {"a": "22"}


def test_a_save_that_cannot_be_restored_is_an_error(attempt: Callable[..., Stub]) -> None:
    one = attempt("/no/such/checkpoint.1")

    with pytest.raises(FileNotFoundError):
        begun(one)


def test_a_save_that_was_removed_meanwhile_is_replaced_by_a_newer_one(
    attempt: Callable[..., Stub],
) -> None:
    first = attempt()
    checkpoint, work = begun(first)
    for count in range(3):
        (work / "n").write_text("x" * count)
        save(checkpoint)

    _, there = begun(attempt(str(Path(first.folder, "checkpoint.1"))))

    assert tree(there) == {"n": "xx"}


_SAVER = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_checkpoint import Stub, begun
from jupyter_flotilla.runner.snapshot import scan
checkpoint, work = begun(Stub(Path({folder!r})))
print("ready", flush=True)
for count in range(10**6):
    for index in range(30):
        part = work / "part"
        part.write_text(str(count) * 1000)
        part.rename(work / str(index))
    checkpoint._try(scan(work))
"""


def test_a_saver_that_is_killed_at_any_moment_leaves_a_whole_save(tmp_path: Path) -> None:
    for round_ in range(8):
        folder = tmp_path / str(round_)
        code = _SAVER.format(tests=str(Path(__file__).parent), folder=str(folder))
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as saver:
            assert saver.stdout is not None
            saver.stdout.readline()
            while not protocol.saved_numbers(str(folder)):
                time.sleep(0.001)
            signal.sigtimedwait([], 0.007 * round_)
            saver.kill()

        found = protocol.newest_checkpoint(str(folder))
        assert found is not None
        contents = [path.read_text() for path in Path(found).iterdir()]
        assert len(contents) == 30
        assert len(set(contents)) == 1


def test_outside_of_a_job_the_folder_is_here(
    weird_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(protocol.ENV_CHECKPOINT, raising=False)
    monkeypatch.chdir(weird_path)

    (job.checkpoint_dir / "epoch").write_text("1")

    assert tree(weird_path) == {".flotilla-checkpoint/epoch": "1"}
    assert job.checkpoint_dir.is_absolute()


def test_inside_of_a_job_it_is_the_jobs(weird_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(protocol.ENV_CHECKPOINT, str(weird_path / "gone" / "checkpoint"))

    assert job.checkpoint_dir == weird_path / "gone" / "checkpoint"
    assert job.checkpoint_dir.is_dir()


def test_another_name_is_still_an_error() -> None:
    with pytest.raises(AttributeError, match="checkpoint_dri"):
        job.checkpoint_dri  # noqa: B018
