"""Which files travel: patterns, ignore files, links, and names that are hard."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_flotilla.artifacts.local import LocalArtifacts
from jupyter_flotilla.capture.files import find_files
from jupyter_flotilla.capture.ignore import IgnoreRules
from jupyter_flotilla.capture.modules import _inside
from jupyter_flotilla.errors import EnvironmentProblem, InvalidOption
from jupyter_flotilla.model.options import read_options


@pytest.fixture
def tree(weird_path: Path) -> Callable[..., Path]:
    """Writes files, each its own name, below a folder with a hostile name."""

    def write(*names: str, **contents: str) -> Path:
        for name in names:
            path = weird_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name.encode("utf-8", "replace").decode())
        for name, content in contents.items():
            (weird_path / f".{name}").write_text(content)
        return weird_path

    return write


def names(folder: Path, *patterns: str) -> list[str]:
    return sorted(find_files(patterns, folder).files)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("data", ["data/a.csv", "data/deep/b.csv", "data/deep/c.txt"]),
        ("data/", ["data/a.csv", "data/deep/b.csv", "data/deep/c.txt"]),
        ("./data//*.csv", ["data/a.csv"]),
        ("**/*.csv", ["data/a.csv", "data/deep/b.csv", "x.csv"]),
        ("*", [".env", "data/a.csv", "data/deep/b.csv", "data/deep/c.txt", "x.csv"]),
        ("data/**", ["data/a.csv", "data/deep/b.csv", "data/deep/c.txt"]),
        ("[wx].csv", ["x.csv"]),
        (".", [".env", "data/a.csv", "data/deep/b.csv", "data/deep/c.txt", "x.csv"]),
    ],
)
def test_a_pattern_means(tree: Callable[..., Path], pattern: str, expected: list[str]) -> None:
    folder = tree("data/a.csv", "data/deep/b.csv", "data/deep/c.txt", "x.csv", ".env")

    assert names(folder, pattern) == expected


@pytest.mark.parametrize(
    ("ignored", "expected"),
    [
        ("*.csv\n!keep.csv", ["keep.csv", "sub/a.txt", "sub/keep.csv", "top.txt"]),
        ("/top.txt", ["keep.csv", "sub/a.csv", "sub/a.txt", "sub/keep.csv"]),
        ("sub/", ["keep.csv", "top.txt"]),
        ("sub/*\n!sub/keep.csv", ["keep.csv", "sub/keep.csv", "top.txt"]),
        ("sub/\n!sub/keep.csv", ["keep.csv", "top.txt"]),
        ("# sub/\n\n!\n", ["keep.csv", "sub/a.csv", "sub/a.txt", "sub/keep.csv", "top.txt"]),
        ("\ufeffsub\r\ntop.txt\r\n", ["keep.csv"]),
    ],
    ids=["exception", "anchored", "folder", "but one", "too late", "nothing", "windows"],
)
def test_gitignore_is_read_as_git_reads_it(
    tree: Callable[..., Path], ignored: str, expected: list[str]
) -> None:
    folder = tree("keep.csv", "sub/keep.csv", "sub/a.csv", "sub/a.txt", "top.txt")
    (folder / ".gitignore").write_text(ignored, newline="")

    assert [name for name in names(folder, ".") if name != ".gitignore"] == expected


def test_an_ignore_file_further_down_decides_for_its_own_folder(
    tree: Callable[..., Path],
) -> None:
    folder = tree("a.csv", "sub/a.csv", "sub/b.txt", gitignore="*.csv\n")
    (folder / "sub" / ".gitignore").write_text("!a.csv\n/b.txt\n.gitignore\n")

    assert names(folder, "sub", "**/*.csv") == ["sub/a.csv"]


def test_flotillaignore_decides_before_gitignore(tree: Callable[..., Path]) -> None:
    folder = tree("a.bin", "b.bin", "c.txt", gitignore="*.bin", flotillaignore="!a.bin\nc.txt\n.*")

    assert names(folder, "*") == ["a.bin"]


def test_ignore_files_above_count_up_to_the_repository(tree: Callable[..., Path]) -> None:
    folder = tree("repo/a/b/x.csv", "repo/a/b/y.txt", gitignore="*.txt")
    (folder / "repo" / ".git").mkdir()
    (folder / "repo" / ".gitignore").write_text("/a/b/*.csv")

    assert names(folder / "repo" / "a" / "b", "*") == ["y.txt"]


def test_whoever_works_in_a_folder_that_is_ignored_means_what_is_in_it(
    tree: Callable[..., Path],
) -> None:
    folder = tree("scratch/x.csv", "scratch/y.txt", gitignore="scratch/")
    (folder / ".git").mkdir()
    (folder / "scratch" / ".gitignore").write_text("*.txt\n.*")

    assert names(folder / "scratch", ".") == ["x.csv"]


def test_a_file_that_is_named_outright_travels_though_it_is_ignored(
    tree: Callable[..., Path],
) -> None:
    folder = tree(".git/config", "model.bin", "data[1].csv", gitignore="*")

    assert names(folder, "model.bin", "data[1].csv", ".git/config") == [
        ".git/config", "data[1].csv", "model.bin",
    ]  # fmt: skip


def test_what_is_left_out_is_told_where_nothing_else_matches(tree: Callable[..., Path]) -> None:
    folder = tree("data/x.csv", gitignore="data/")

    with pytest.raises(InvalidOption, match=r"'data/x\.csv', is left out by \.flotillaignore or"):
        names(folder, "data/*.csv")


def test_repositories_caches_and_virtual_environments_never_travel(
    tree: Callable[..., Path],
) -> None:
    folder = tree(
        ".git/config", "a/.git", "__pycache__/a.pyc", "a/.ipynb_checkpoints/a.ipynb", "a/b.py",
        "env/pyvenv.cfg", "env/lib/x.py", ".flotilla-checkpoint/epoch",
    )  # fmt: skip

    assert names(folder, ".") == ["a/b.py"]


_LINES = ["a", "b", "a/", "/a", "/b/", "*.x", "!a", "!b/", "!*.x", "a/b", "!a/b", "**/b", "a/**",
          "b/*", "/*", "!/a", "[ab]", "?", "a\\ ", "\\!a", "#a", "b/**/c.x", "!c.x"]  # fmt: skip


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@given(
    top=st.lists(st.sampled_from(_LINES), max_size=5),
    nested=st.lists(st.sampled_from(_LINES), max_size=3),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_travels_is_what_git_would_add(
    tmp_path_factory: pytest.TempPathFactory, top: list[str], nested: list[str]
) -> None:
    folder = tmp_path_factory.mktemp("repo")
    for name in ("a/a", "a/b", "a/c.x", "b/a/b", "b/a/c.x", "b/c.x", "c.x", "!a", "a ", "d"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / ".gitignore").write_text("\n".join(top))
    (folder / "a" / ".gitignore").write_text("\n".join(nested))
    git = ["git", "-c", "core.excludesFile=", "-c", "core.quotePath=false"]
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)

    listed = subprocess.run(
        [*git, "ls-files", "-z", "--others", "--exclude-standard"], cwd=folder, check=True,
        capture_output=True, text=True,
    ).stdout  # fmt: skip
    rules = IgnoreRules(folder)

    expected = sorted(filter(None, listed.split("\0")))
    assert sorted(_walked(folder, rules)) == expected


def _walked(folder: Path, rules: IgnoreRules) -> list[str]:
    from jupyter_flotilla.protocol.globs import Glob, walk

    return [found.name for found in walk(str(folder), Glob("."), rules.leaves_out)]


def test_a_link_to_a_file_inside_travels_as_its_content(tree: Callable[..., Path]) -> None:
    folder = tree("data/real.csv")
    (folder / "link.csv").symlink_to(folder / "data" / "real.csv")

    found = find_files(["*.csv"], folder)

    assert {name: path.read_text() for name, path in found.files.items()} == {
        "link.csv": "data/real.csv"
    }


def test_a_link_to_a_folder_inside_travels_as_its_content(tree: Callable[..., Path]) -> None:
    folder = tree("data/v2/real.csv")
    (folder / "data" / "latest").symlink_to("v2")

    assert names(folder, "data/latest", "data") == ["data/latest/real.csv", "data/v2/real.csv"]


@pytest.mark.parametrize("pattern", ["link", "*", "."])
def test_a_link_that_leads_out_is_refused_by_name(tree: Callable[..., Path], pattern: str) -> None:
    folder = tree("secret", "work/a.txt")
    (folder / "work" / "link").symlink_to(folder / "secret")

    with pytest.raises(
        InvalidOption, match=r"(?s)'link' is a link to .*secret, which lies outside"
    ):
        names(folder / "work", pattern)


def test_a_link_that_leads_out_and_is_ignored_hinders_nobody(tree: Callable[..., Path]) -> None:
    folder = tree("secret", "work/a.txt")
    (folder / "work" / "link").symlink_to(folder / "secret")
    (folder / "work" / ".flotillaignore").write_text("link\n.*")

    assert names(folder / "work", ".") == ["a.txt"]


def test_what_cannot_travel_is_told_and_the_rest_travels(tree: Callable[..., Path]) -> None:
    folder = tree("a/file", "a/b/c")
    (folder / "a" / "round").symlink_to("..")
    (folder / "a" / "here").symlink_to(".")
    (folder / "a" / "nowhere").symlink_to("gone")
    (folder / "a" / "circle").symlink_to("circle")
    os.mkfifo(folder / "a" / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        os.chdir(folder / "a")  # a socket's own path must be short
        one.bind("socket")

    found = find_files(["a"], folder)

    assert sorted(found.files) == ["a/b/c", "a/file"]
    assert found.notes == (
        "left out, a link that leads nowhere: 'a/circle', 'a/nowhere'",
        "left out, a link to a folder that it lies in: 'a/here', 'a/round'",
        "left out, a socket, pipe or device: 'a/pipe', 'a/socket'",
    )


def test_folders_that_link_to_each_other_come_to_an_end(tree: Callable[..., Path]) -> None:
    folder = tree(*(f"{n}/file" for n in range(12)))
    for here in range(12):
        for there in range(12):
            (folder / str(here) / f"to {there}").symlink_to(folder / str(there))

    found = find_files(["."], folder)

    assert len(found.files) == 12 + 12 * 11
    assert any("inside of another one" in note for note in found.notes)


@pytest.mark.parametrize(
    ("make", "pattern"),
    [
        (lambda folder: os.mkfifo(folder / "pipe"), "pipe"),
        (lambda folder: (folder / "link").symlink_to("gone"), "link"),
        (lambda folder: (folder / "empty").mkdir(), "empty"),
        (lambda folder: None, "no such\nfile"),
        (lambda folder: None, "/etc/hostname"),
        (lambda folder: None, "../up"),
    ],
    ids=["pipe", "dangling", "empty", "missing", "absolute", "above"],
)
def test_a_name_that_means_no_file_is_refused_in_words(
    weird_path: Path, make: Callable[[Path], None], pattern: str
) -> None:
    make(weird_path)

    with pytest.raises(InvalidOption, match=r"(?s)--files .*Next: "):
        names(weird_path, pattern)


HARD = [
    "a b", "quo'te\"s", "line\nbreak", "-rf", "--", "tab\there", "ende ", " anfang", "…", "漢字",
    "\u00e9.txt", "e\u0301.txt", "Case", "case", "x" * 255, "é" * 127, "back\\slash", "$(id)", "*",
    "[x]", os.fsdecode(b"byte-\xff\xfe"), "\x01\x7f", "~", "%s", "a:b|c?",
]  # fmt: skip


@pytest.mark.parametrize("name", HARD, ids=ascii)
def test_a_hard_name_travels_unchanged(weird_path: Path, tmp_path: Path, name: str) -> None:
    folder = weird_path / "in" / name
    folder.mkdir(parents=True)
    (folder / name).write_text("content")
    (folder / ".gitignore").write_text(".gitignore\n")
    artifacts = LocalArtifacts(tmp_path / "home")
    artifacts.create("r0123456789ab")

    found = find_files(["in"], weird_path)
    artifacts.copy_files("r0123456789ab", found.files)

    copy = artifacts.input_folder("r0123456789ab") / "files" / "in" / name
    assert list(found.files) == [f"in/{name}/{name}"]
    assert [(path.name, path.read_text()) for path in copy.iterdir()] == [(name, "content")]


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)
    .filter(lambda name: name not in (".", "..") and len(name.encode()) <= 255)
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_name_that_is_named_outright_is_found(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / name).touch()
    (folder / "other").touch()

    assert list(find_files([name], folder).files) == [name]


def test_a_pattern_that_is_not_utf8_is_refused_with_what_to_do() -> None:
    with pytest.raises(InvalidOption, match=r"(?s)not UTF-8.*Next: mean it by a pattern"):
        read_options({"files": [os.fsdecode(b"\xff.csv")]})


def test_two_names_that_the_disk_takes_for_one_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    artifacts = LocalArtifacts(tmp_path / "home")
    artifacts.copy_files("r0123456789ab", {"A": tmp_path / "a"})

    with pytest.raises(EnvironmentProblem, match=r"'A' cannot be copied to .*another file has"):
        artifacts.copy_files("r0123456789ab", {"A": tmp_path / "a"})


def test_a_file_that_is_gone_at_the_copy_is_told(tmp_path: Path) -> None:
    artifacts = LocalArtifacts(tmp_path / "home")

    with pytest.raises(EnvironmentProblem, match="'a' cannot be copied"):
        artifacts.copy_files("r0123456789ab", {"a": tmp_path / "gone"})


def test_a_path_below_a_thousand_folders_does_not_stop_the_walk(weird_path: Path) -> None:
    (weird_path / "file").touch()
    os.chdir(weird_path)
    for _ in range(1_500):
        os.mkdir("deep")  # noqa: PTH102
        os.chdir("deep")

    try:
        found = find_files(["."], weird_path)
    finally:
        os.chdir("/")
        subprocess.run(["rm", "-rf", weird_path / "deep"], check=True)

    assert list(found.files) == ["file"]
    assert "left out, a folder that cannot be read" in found.notes[0]


def test_of_a_package_travels_what_its_ignore_files_leave(tree: Callable[..., Path]) -> None:
    folder = tree("pkg/__init__.py", "pkg/keep.json", "pkg/big.json", "pkg/data/x.csv",
                  "pkg/__pycache__/a.pyc", "pkg/.hidden/x", "data/x.csv",
                  gitignore="*.json\n!keep.json\n/data/\n")  # fmt: skip
    (folder / "pkg" / "nowhere").symlink_to("gone")

    assert sorted(name for name, _ in _inside(folder / "pkg")) == [
        "__init__.py", "data/x.csv", "keep.json",
    ]  # fmt: skip
