"""Two environments, two projects, one dispatcher: each notebook runs in its own."""

import json
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl

_ROOT = Path(__file__).parents[2]
_WHO = (
    "import sys, os, which, local\nprint(which.NAME, local.NAME, sys.prefix, os.environ['PROJECT'])"
)
_SUBMIT = """
import sys, jupyter_flotilla as fl
print(fl.run_notebook(sys.argv[1], env={"PROJECT": sys.argv[2]}).id)
"""


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


def _environment(folder: Path, name: str) -> Path:
    """Make an environment that has this one's packages and a module of its own."""
    venv.create(folder, with_pip=False, symlinks=True)
    [site] = folder.glob("lib/python*/site-packages")
    (site / "which.py").write_text(f"NAME = {name!r}\n")
    here = [sysconfig.get_path("purelib"), str(_ROOT)]
    (site / "shared.pth").write_text("\n".join(here))
    return folder / "bin" / "python"


def _submit(tmp_path: Path, name: str) -> str:
    python = _environment(tmp_path / f"venv-{name}", name)
    project = tmp_path / f"project {name}"
    witness.notebook(project / "who.ipynb", _WHO)
    (project / "local.py").write_text(f"NAME = 'local-{name}'\n")
    submitted = subprocess.run(
        [python, "-c", _SUBMIT, project / "who.ipynb", name],
        capture_output=True, text=True, check=True, cwd="/",
    )  # fmt: skip
    return submitted.stdout.strip()


def test_each_notebook_runs_in_the_environment_and_project_it_was_submitted_from(
    tmp_path: Path,
) -> None:
    first, second = (fl.get(_submit(tmp_path, name)).wait() for name in ("a", "b"))

    assert str(first.logs()) == f"a local-a {tmp_path / 'venv-a'} a\n", first.explain()
    assert str(second.logs()) == f"b local-b {tmp_path / 'venv-b'} b\n", second.explain()
    rows = json.loads(witness.flotilla("dispatch", "--status", "--json").stdout)
    assert [row["python"] for row in rows] == [str(tmp_path / "venv-a" / "bin" / "python")]


def test_a_job_whose_environment_is_gone_says_so(tmp_path: Path) -> None:
    run = fl.submit(["true"])
    spec = run.snapshot.spec.model_copy(update={"interpreter": str(tmp_path / "gone" / "python")})
    from jupyter_flotilla.api import flotilla
    from jupyter_flotilla.capture.draft import Draft

    lost = fl.RunHandle(flotilla(), flotilla().submit(Draft(spec=spec))).wait()

    assert lost.attempts[0].failure_kind == "environment"
    assert "gone/python cannot be started" in (lost.attempts[0].message or "")


def test_an_environment_without_nbclient_says_what_to_install(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    from jupyter_flotilla.api import flotilla
    from jupyter_flotilla.model.options import read_options

    draft = flotilla().draft_source("1", read_options({}), tmp_path)
    bare = str(tmp_path / "bare" / "bin" / "python")
    spec = draft.spec.model_copy(update={"interpreter": bare})
    from dataclasses import replace

    run = fl.RunHandle(flotilla(), flotilla().submit(replace(draft, spec=spec))).wait()

    assert run.attempts[0].failure_kind == "environment"
    assert f"{bare} -m pip install nbclient ipykernel" in (run.attempts[0].message or "")


def test_the_wheel_has_the_runner_the_prices_the_migrations_and_the_demo(tmp_path: Path) -> None:
    import zipfile

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=_ROOT, check=True, capture_output=True,
    )  # fmt: skip
    [wheel] = tmp_path.glob("*.whl")

    names = set(zipfile.ZipFile(wheel).namelist())

    assert {
        "jupyter_flotilla/runner/__main__.py",
        "jupyter_flotilla/engines/ecs/fargate_prices.json",
        "jupyter_flotilla/store/migrations/versions/v1_0001_first.py",
        "jupyter_flotilla/examples/digits.ipynb",
        "jupyter_flotilla/py.typed",
    } <= names


def test_the_runner_is_python_3_8() -> None:
    import ast

    package = _ROOT / "jupyter_flotilla"
    folders = (package / "protocol", package / "runner")
    sources = [package / "job.py", *(path for folder in folders for path in folder.glob("*.py"))]

    for source in sources:
        ast.parse(source.read_text(), feature_version=(3, 8))
