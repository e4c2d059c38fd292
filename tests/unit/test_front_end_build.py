"""The built front end: of these sources, and without an address of any registry."""

import hashlib
import json
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "labextension"
BUILT = ROOT / "jupyter_flotilla" / "labextension"


def digest_of_sources():
    """Return what ``scripts/finish.js`` writes down of the sources of a build."""
    names = ("package-lock.json", "package.json", "schema", "src", "style", "tsconfig.json")
    files = []
    for path in map(SOURCES.joinpath, names):
        files += [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    relative = {file.relative_to(SOURCES).as_posix(): file for file in files}
    digest = hashlib.sha256()
    for name in sorted(relative):
        if "__tests__" not in name.split("/"):
            content = hashlib.sha256(relative[name].read_bytes()).hexdigest()
            digest.update(f"{name} {content}\n".encode())
    return digest.hexdigest()


@pytest.fixture
def built():
    """Return the folder of the built assets."""
    if not BUILT.is_dir() and "CI" not in os.environ:
        pytest.skip(
            "the front end was never built: cd labextension && npm ci && npm run build:prod"
        )
    assert BUILT.is_dir(), "the front end was not built"
    return BUILT


def test_what_was_built_is_of_these_sources(built):
    stamp = (built / "sources.sha256").read_text().strip()

    assert stamp == digest_of_sources(), "stale: cd labextension && npm run build:prod"


def test_lab_finds_the_entry_of_the_bundle(built):
    package = json.loads((built / "package.json").read_text())

    entry = built / package["jupyterlab"]["_build"]["load"]
    assert "remoteEntry" in entry.name
    assert entry.is_file()
    assert (built / "schemas" / "jupyter-flotilla" / "plugin.json").is_file()


def test_no_one_version_of_lab_is_asked_for(built):
    asked = json.loads((built / "package.json").read_text())["dependencies"]

    assert all(version.startswith("^") for version in asked.values()), asked


def test_no_file_of_the_front_end_names_a_registry():
    texts = [SOURCES / "package-lock.json", SOURCES / "package.json", SOURCES / ".npmrc"]

    named = re.compile(r'"resolved"|"publishConfig"|(^|[:_/@-])registry\s*=|https?://registry')
    found = [line for text in texts for line in text.read_text().splitlines() if named.search(line)]

    assert found == []


def test_the_versions_of_python_and_front_end_packages_agree():
    import jupyter_flotilla

    version = json.loads((SOURCES / "package.json").read_text())["version"]

    assert jupyter_flotilla.__version__.partition(".dev")[0] == version
