"""A secret reaches the job and nothing else."""

import html
import json
import subprocess
import sys
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl

_VALUE = 'hunter2 "quoted" \\ ünï'


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits."""


@pytest.fixture
def secret(tmp_path: Path) -> str:
    path = tmp_path / "outside" / "db-password"
    path.parent.mkdir()
    path.write_text(f"{_VALUE}\n")
    path.chmod(0o600)
    return f"DB_PASSWORD=file:{path}"


def _found_in(home: Path) -> list[Path]:
    """Return the files below a home that hold the secret, as text or inside JSON."""
    forms = [_VALUE.encode(), json.dumps(_VALUE)[1:-1].encode()]
    forms.append(json.dumps(_VALUE, ensure_ascii=False)[1:-1].encode())
    forms.append(html.escape(_VALUE).encode())
    forms.append(json.dumps(html.escape(_VALUE), ensure_ascii=False)[1:-1].encode())
    files = [path for path in home.rglob("*") if path.is_file()]
    return [path for path in files if any(form in path.read_bytes() for form in forms)]


def test_a_notebook_has_the_secret_and_cannot_leak_it_by_printing(
    secret: str, tmp_path: Path, home: Path
) -> None:
    cells = (
        "import os; value = os.environ['DB_PASSWORD']; len(value)",
        "print(value); value",
        "from jupyter_flotilla import job; job.progress(1, 2, value); job.log_metric(value, 1)",
        "raise RuntimeError('the error says ' + value)",
    )
    path = witness.notebook(tmp_path / "in.ipynb", *cells)

    run = fl.run_notebook(path, secrets=[secret]).wait()

    assert f"{len(_VALUE)}\n***" in str(run.logs())
    assert "RuntimeError: the error says ***" in run.explain()
    [attempt] = run.attempts
    assert attempt.progress is not None
    assert (attempt.progress.message, attempt.progress.metrics) == ("***", {"***": 1.0})
    assert _found_in(home) == []


def test_a_command_has_the_secret_and_no_process_shows_it(secret: str, home: Path) -> None:
    run = fl.submit(["sh", "-c", 'sleep 1; echo "<$DB_PASSWORD>"; sleep 1'], secrets=[secret])
    witness.until(lambda: "***" in str(run.logs()))

    shown = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True).stdout
    run.wait()

    assert "hunter2" not in shown
    assert str(run.logs()) == "<***>\n"
    assert _found_in(home) == []


def test_a_secret_comes_from_the_keyring(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "keyring"))
    code = "import keyring; keyring.set_password('flotilla', 'TOKEN', 'abcdef')"
    subprocess.run([sys.executable, "-c", code], check=True)

    run = fl.submit(["sh", "-c", "printf '%s' \"$TOKEN\" | wc -c"], secrets=["TOKEN"]).wait()

    assert str(run.logs()).strip() == "6", run.explain()


@pytest.mark.parametrize(
    ("source", "expected"),
    [("S=keyring:a/b", "keyring")],
)
def test_a_secret_that_is_not_there_fails_the_run_before_it_starts(
    source: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    run = fl.submit(["echo", "ran"], secrets=[source]).wait()

    [attempt] = run.attempts
    assert (attempt.failure_kind, attempt.started_at) == ("environment", None)
    assert expected in (attempt.message or "")
