"""Files that come back, however the job ends."""

import json
import os
from pathlib import Path

import pytest
import small_disk
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.errors import EnvironmentProblem

_FINALLY = """
import pathlib, time
pathlib.Path("out").mkdir()
pathlib.Path("ready").touch()
try:
    {body}
finally:
    pathlib.Path("out/last words.txt").write_text("finally")
"""


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one file that travels, which jobs are submitted from."""
    folder = tmp_path / "work 'here'"
    folder.mkdir()
    (folder / "in.txt").write_text("in")
    monkeypatch.chdir(folder)
    return folder


def _content(run: fl.RunHandle, name: str) -> str:
    return (run._folder() / "files" / name).read_text()


def test_what_matches_comes_back_with_its_path_and_its_size(work: Path) -> None:
    script = "mkdir -p out/deep; echo 1 > out/a.png; echo 22 > out/deep/b.png; echo 3 > c.txt"

    run = fl.submit(["sh", "-c", script], files=["in.txt"], fetch=["**/*.png"]).wait()

    assert dict(run.files()) == {"out/a.png": 2, "out/deep/b.png": 3}
    assert "brought back 2 files, 5 B" in str(run.logs())


def test_files_come_back_from_the_users_own_folder_as_copies(work: Path) -> None:
    run = fl.submit(["sh", "-c", "echo then > out.txt"], fetch="out.txt").wait()
    (work / "out.txt").write_text("now")

    assert _content(run, "out.txt") == "then\n"


def test_what_matches_nothing_is_a_note_and_no_error(work: Path) -> None:
    run = fl.submit(["true"], fetch=["no*.png", "in.txt"]).wait()

    assert run.status == "SUCCEEDED"
    assert "[flotilla: --fetch no*.png matched nothing]" in str(run.logs())
    assert list(run.files()) == ["in.txt"]


@pytest.mark.parametrize(
    ("body", "options", "kind"),
    [
        ("raise SystemExit(3)", {}, "user-error"),
        ("time.sleep(99)", {"timeout": "5s"}, "timeout"),
    ],
    ids=["failure", "timeout"],
)
@pytest.mark.parametrize("how", ["command", "cell"])
def test_what_finally_writes_comes_back_after(
    work: Path, how: str, body: str, options: dict[str, str], kind: str
) -> None:
    code = _FINALLY.format(body=body)
    wanted = {"files": ["in.txt"], "fetch": ["out"], **options}

    if how == "cell":
        run = fl.run_source(code, **wanted).wait()
    else:
        run = fl.submit(["python3", "-c", code], **wanted).wait()

    assert run.attempts[0].failure_kind == kind
    assert _content(run, "out/last words.txt") == "finally"


def test_what_finally_writes_comes_back_after_a_cancel(work: Path) -> None:
    run = fl.run_source(_FINALLY.format(body="time.sleep(99)"), fetch=["out"])
    witness.until((work / "ready").exists)

    run.cancel().wait()

    assert run.status == "CANCELLED"
    assert dict(run.files()) == {"out/last words.txt": 7}


def test_files_come_back_after_a_kill_for_memory(work: Path) -> None:
    eat = "open('before', 'w').write('x')\nx = []\nwhile True: x.append(bytearray(10**7))"

    run = fl.run_source(eat, memory="300M", fetch=["before"]).wait()

    assert run.attempts[0].failure_kind == "out-of-memory"
    assert dict(run.files()) == {"before": 1}


def test_each_attempt_has_its_own(work: Path, tmp_path: Path) -> None:
    script = f"echo x >> {tmp_path}/n; cp {tmp_path}/n out; [ $(wc -l < out) -gt 1 ]"

    run = fl.submit(["sh", "-c", script], files=["in.txt"], fetch=["out"], retries=1).wait()

    assert [dict(run.files(attempt=n)) for n in (1, 2)] == [{"out": 2}, {"out": 4}]
    assert dict(run.files()) == {"out": 4}
    with pytest.raises(fl.FlotillaError, match="has no attempt 3"):
        run.files(attempt=3)


def test_links_that_lead_out_sockets_and_pipes_stay_and_are_named(work: Path) -> None:
    script = (
        "mkdir out; ln -s /etc/hostname out/leak; ln -s / out/all; ln -s gone out/gone; "
        "ln -s .. out/up; mkfifo out/pipe; echo 1 > real; ln -s ../real out/link"
    )

    run = fl.submit(["sh", "-c", script], files=["in.txt"], fetch=["out"]).wait()

    said = str(run.logs())
    assert dict(run.files()) == {"out/link": 2}
    assert "leads out of the working directory: 'out/all', 'out/leak'" in said
    assert "'out/gone'" in said and "'out/up'" in said and "'out/pipe'" in said


def test_hard_names_come_back_unchanged(work: Path, tmp_path: Path) -> None:
    names = ["a b", "line\nbreak", "-rf", "é", "e\u0301", "x" * 255, os.fsdecode(b"\xff\xfe"), "q'"]
    code = f"import os\nos.mkdir('out')\nfor n in {names!r}: open('out/' + n, 'w').write('1')"

    run = fl.submit(["python3", "-c", code], files=["in.txt"], fetch=["out"]).wait()
    paths = run.download(to=tmp_path / "to")

    assert set(run.files()) == {f"out/{name}" for name in names}
    assert {path.name for path in paths} == {path.name for path in (tmp_path / "to/out").iterdir()}


def test_a_download_keeps_paths_and_overwrites_nothing_without_force(
    work: Path, tmp_path: Path
) -> None:
    script = "mkdir out; echo new > out/a.png; echo b > out/b.txt; chmod 750 out/a.png"
    run = fl.submit(["sh", "-c", script], files=["in.txt"], fetch=["out"]).wait()
    to = tmp_path / "to"
    (to / "out").mkdir(parents=True)
    (to / "out" / "a.png").write_text("mine")

    with pytest.raises(fl.FlotillaError, match=r"there is already 'out/a\.png'"):
        run.download(to=to)
    untouched = sorted(path.name for path in (to / "out").iterdir())
    paths = run.download("**/*.png", to=to, force=True)

    assert untouched == ["a.png"]
    assert paths == [to / "out" / "a.png"]
    assert (paths[0].read_text(), paths[0].stat().st_mode & 0o777) == ("new\n", 0o750)


def test_a_download_never_leaves_its_folder(work: Path, tmp_path: Path) -> None:
    run = fl.submit(["sh", "-c", "mkdir out; echo 1 > out/a"], files=["in.txt"], fetch="out").wait()
    to = tmp_path / "to"
    to.mkdir()
    (to / "out").symlink_to(tmp_path)

    with pytest.raises(fl.FlotillaError, match="would lie outside"):
        run.download(to=to)

    assert not (tmp_path / "a").exists()


def test_a_job_that_forges_its_list_gets_nothing_of_this_machine(
    work: Path, tmp_path: Path
) -> None:
    run = fl.submit(["sh", "-c", "echo 1 > a"], files=["in.txt"], fetch=["a"]).wait()
    files = run._folder() / "files"
    (tmp_path / "secret").write_text("secret")
    (files / "link").symlink_to(tmp_path / "secret")
    (files / "folder").symlink_to(tmp_path)
    os.mkfifo(files / "pipe")
    forged = {"../../job.json": 1, "/etc/hostname": 1, "link": 6, "folder/secret": 6, "pipe": 1,
              "a": "x", "": 1}  # fmt: skip
    (run._folder() / "files.json").write_text(json.dumps(forged))

    assert set(run.files()) == {"link", "folder/secret", "pipe"}
    for name in run.files():
        with pytest.raises(EnvironmentProblem):
            run.download(name, to=tmp_path / "to")
    assert [path for path in (tmp_path / "to").rglob("*") if path.is_file()] == []


def test_the_commands_list_and_copy(work: Path, tmp_path: Path) -> None:
    fl.submit(["sh", "-c", "echo 1 > a.png; echo 22 > b.txt"], files=["in.txt"], fetch="*").wait()

    listed = witness.flotilla("files")
    as_json = witness.flotilla("files", "last", "--json")
    copied = witness.flotilla("download", "last", "*.png", "--to", tmp_path / "to")
    again = witness.flotilla("download", "last", "a.png", "--to", tmp_path / "to")

    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["2", "B", "a.png"], ["3", "B", "b.txt"], ["2", "B", "in.txt"],
    ]  # fmt: skip
    assert json.loads(as_json.stdout) == {"a.png": 2, "b.txt": 3, "in.txt": 2}
    assert copied.stdout == f"{tmp_path / 'to' / 'a.png'}\n"
    assert (again.returncode, "--force to replace" in again.stderr) == (2, True)


@pytest.mark.parametrize("pattern", ["/etc/hostname", "../x", "a/../../b"])
def test_a_pattern_that_leads_out_is_refused_at_once(pattern: str) -> None:
    with pytest.raises(fl.FlotillaError, match="working directory comes back"):
        fl.submit(["true"], fetch=[pattern])


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told_and_costs_only_what_did_not_fit(
    work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk.mounted(tmp_path / "disk") as disk:
        monkeypatch.setenv("FLOTILLA_HOME", str(disk / "home"))
        script = "echo small > a; head -c 4000000 /dev/zero > big; echo late > c"

        run = fl.submit(["sh", "-c", script], fetch=["a", "big", "c"]).wait()

        assert run.status == "SUCCEEDED"
        assert list(run.files()) == ["a"]
        assert "not brought back, no room on the disk: 'big', 'c'" in str(run.logs())


def test_a_retry_brings_back_the_same(work: Path) -> None:
    run = fl.submit(["sh", "-c", "echo 1 > a; echo 2 > b"], files=["in.txt"], fetch=["a"]).wait()

    again, other = run.retry().wait(), run.retry(fetch=["b"]).wait()

    assert [list(one.files()) for one in (again, other)] == [["a"], ["b"]]
