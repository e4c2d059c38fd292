"""Copies of git repositories that are elsewhere, as ticks use them."""

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from jupyter_flotilla.capture.repository import Repository, provenance
from jupyter_flotilla.errors import FlotillaError, InvalidOption, SourceUnavailable


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Ana", "-c", "user.email=ana@example.org"]
    ran = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return ran.stdout.strip()


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    """A repository with one commit on main."""
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "1")
    return folder


def commit(origin: Path, content: str) -> str:
    (origin / "report.py").write_text(content * 100_000)
    git(origin, "add", ".")
    git(origin, "commit", "-q", "-m", content)
    return git(origin, "rev-parse", "HEAD")


def test_who_fetch_the_same_repository_at_once_all_have_it(origin: Path, tmp_path: Path) -> None:
    together = Barrier(4)

    def fetched(_: int) -> str:
        together.wait()
        return Repository(f"file://{origin}", tmp_path / "copies").commit("main")

    for content in ("2", "3", "4"):
        latest = commit(origin, content)
        with ThreadPoolExecutor(4) as threads:
            assert [*threads.map(fetched, range(4))] == [latest] * 4


def test_a_clone_that_was_killed_half_way_is_begun_anew(origin: Path, tmp_path: Path) -> None:
    address, copies = f"file://{origin}", tmp_path / "copies"
    expected = Repository(address, copies).commit("main")
    [copy] = copies.glob("*.git")
    half = copy.rename(copy.with_suffix(".new"))
    (half / "HEAD").unlink()

    assert Repository(address, copies).commit("main") == expected
    assert not half.exists()


def test_nothing_that_a_folders_own_configuration_names_is_run(
    origin: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\necho $0 $* >> '{ran}'\ncat\n")
    spy.chmod(0o755)
    (origin / ".gitattributes").write_text("*.py filter=spy\n")
    latest = commit(origin, "2")
    for name in ("core.fsmonitor", "filter.spy.clean", "filter.spy.smudge", "core.pager"):
        git(origin, "config", name, str(spy))
    git(origin, "config", "log.showSignature", "true")
    git(origin, "config", "gpg.program", str(spy))
    (origin / "report.py").touch()
    ran.unlink(missing_ok=True)

    found = provenance(origin / "report.py")
    repository = Repository(str(origin), tmp_path / "copies")
    into = tmp_path / "into"
    into.mkdir()
    repository.extract(repository.commit("main"), "", into)

    assert not ran.exists()
    assert found == (latest[:12], "Ana <ana@example.org>")
    assert (into / "report.py").read_text() == "2" * 100_000


def test_a_file_that_differs_from_its_commit_is_said_to(origin: Path) -> None:
    (origin / "report.py").write_text("3")

    revision, _ = provenance(origin / "report.py")

    assert "+changes sha256:" in revision


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://ana:pw1@localhost:9/x.git", "https://***@localhost:9/x.git has a password"),
        ("https://pw1@localhost:9/x.git", "https://***@localhost:9/x.git cannot be fetched"),
        ("ssh://ana:pw1@localhost:9/x.git", "ssh://ana:***@localhost:9/x.git has a password"),
    ],
)
def test_no_sentence_has_a_password_of_an_address(address: str, shown: str, tmp_path: Path) -> None:
    with pytest.raises(FlotillaError) as refusal:
        Repository(address, tmp_path).commit("main")

    assert shown in str(refusal.value)
    assert "pw1" not in str(refusal.value)


def test_a_repository_that_is_away_is_told_from_one_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="Connection refused"):
        Repository("git://127.0.0.1:9/x.git", tmp_path).commit("main")
    with pytest.raises(InvalidOption, match="cannot be fetched"):
        Repository(f"file://{tmp_path}/nothing", tmp_path).commit("main")
