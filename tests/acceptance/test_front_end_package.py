"""What is installed brings the front end along, and none of what it is made with."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_BUILT = _ROOT / "jupyter_flotilla" / "labextension"
_LAB = "data/share/jupyter/labextensions/jupyter-flotilla"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution of this checkout."""
    if not _BUILT.is_dir():
        pytest.skip(
            "the front end was never built: cd labextension && npm ci && npm run build:prod"
        )
    folder = tmp_path_factory.mktemp("packages")
    for target in ("wheel", "sdist"):
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", folder],
            cwd=_ROOT, check=True, capture_output=True,
        )  # fmt: skip
    return folder


def test_the_wheel_puts_the_front_end_where_lab_looks(packages: Path) -> None:
    [wheel] = packages.glob("*.whl")

    names = zipfile.ZipFile(wheel).namelist()

    ours = {name.partition(".data/")[2] for name in names}
    entries = [name for name in ours if "/static/remoteEntry." in name]
    assert len(entries) == 1
    assert entries[0].startswith(_LAB)
    assert {
        f"{_LAB}/package.json",
        f"{_LAB}/install.json",
        f"{_LAB}/static/style.js",
        f"{_LAB}/schemas/jupyter-flotilla/plugin.json",
        "data/etc/jupyter/jupyter_server_config.d/jupyter_flotilla.json",
    } <= ours
    assert not [name for name in names if name.startswith("jupyter_flotilla/labextension")]


def test_the_wheel_has_the_browsers_side_of_the_notebook_panel(packages: Path) -> None:
    [wheel] = packages.glob("*.whl")
    front = _ROOT / "jupyter_flotilla" / "widget" / "front"

    names = set(zipfile.ZipFile(wheel).namelist())

    parts = {f"jupyter_flotilla/widget/front/{part.name}" for part in front.iterdir()}
    assert {Path(part).suffix for part in parts} == {".css", ".js"}
    assert parts <= names


def test_the_source_distribution_needs_no_node_and_can_be_built_anew(packages: Path) -> None:
    [sdist] = packages.glob("*.tar.gz")

    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]

    assert "jupyter_flotilla/labextension/package.json" in names
    assert {
        "labextension/package-lock.json",
        "labextension/tsconfig.json",
        "labextension/scripts/finish.js",
        "labextension/schema/plugin.json",
        "labextension/src/index.ts",
        "labextension/.npmrc",
    } <= set(names)
    assert not [name for name in names if "node_modules" in name or "labextension/lib/" in name]
