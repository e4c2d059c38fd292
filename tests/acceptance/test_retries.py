"""Further attempts of a run, and runs that repeat another."""

from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.errors import InvalidOption


@pytest.fixture(autouse=True)
def _settings(settings_file: Path) -> None:
    """Short waits and pauses."""


def _flaky(tmp_path: Path, failures: int) -> list[str]:
    count = tmp_path / "count"
    script = f'echo x >> "{count}"; echo try; [ $(wc -l < "{count}") -gt {failures} ] || exit 5'
    return ["sh", "-c", script]


def test_a_flaky_job_succeeds_within_its_retries(tmp_path: Path) -> None:
    run = fl.submit(_flaky(tmp_path, 2), retries=2).wait()

    assert run.status == "SUCCEEDED"
    assert [a.exit_code for a in run.attempts] == [5, 5, 0]
    assert str(run.logs()) == "try\n" * 3


def test_the_last_attempt_is_the_verdict(tmp_path: Path) -> None:
    run = fl.submit(_flaky(tmp_path, 9), retries=1).wait()

    assert (run.status, len(run.attempts)) == ("FAILED", 2)
    assert "exit code 5" in run.explain()


def test_every_attempt_is_charged(tmp_path: Path) -> None:
    run = fl.submit(_flaky(tmp_path, 1), retries=1).wait()

    one = run.attempts[0].charge_usd
    assert one is not None
    assert run.cost.usd == pytest.approx(2 * one)


def test_retries_stop_where_the_cost_cap_is_used_up(tmp_path: Path) -> None:
    # 1 vCPU and 4 G cost 0.97 m$ a minute: the cap buys two attempts
    run = fl.submit(_flaky(tmp_path, 9), retries=9, max_cost=0.0021).wait()

    assert len(run.attempts) == 2
    assert (run.cost.usd or 1) <= 0.0021


def test_out_of_memory_is_tried_again_with_twice_as_much(tmp_path: Path) -> None:
    eat = "x = bytearray(300_000_000); import time; time.sleep(1); print('enough')"

    run = fl.submit(["python3", "-c", eat], memory="200M", on_oom="double:800M").wait()

    assert run.status == "SUCCEEDED", run.explain()
    assert [a.resources.memory_mib for a in run.attempts] == [200, 400]
    assert [a.failure_kind for a in run.attempts] == ["out-of-memory", None]


def test_a_run_that_waits_for_its_next_attempt_is_cancelled_at_once(
    tmp_path: Path, settings_file: Path
) -> None:
    settings_file.write_text("idle_s = 5\nretry_delay_s = 300\n")
    run = fl.submit(_flaky(tmp_path, 9), retries=1)
    witness.until(lambda: run.refresh().snapshot.not_before is not None)

    run.cancel()

    assert run.wait(timeout=10).status == "CANCELLED"
    assert len(run.attempts) == 1


def test_a_cancelled_attempt_is_not_followed_by_another(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    run = fl.submit(["sh", "-c", f"touch {ready}; sleep 99"], retries=5)
    witness.until(ready.exists)

    run.cancel().wait(timeout=30)

    assert (run.status, len(run.attempts)) == ("CANCELLED", 1)


def test_retry_is_a_new_run_with_what_was_frozen_and_what_is_changed(tmp_path: Path) -> None:
    path = witness.notebook(tmp_path / "n.ipynb", "print(x, y)", parameters="x = 1\ny = 2")
    first = fl.run_notebook(path, params={"x": 5}, memory="1G").wait()
    path.write_text("gone")

    second = first.retry(memory="2G", params={"y": 7}).wait()

    assert (str(first.logs()), str(second.logs())) == ("5 2\n", "5 7\n")
    assert second.snapshot.retry_of == first.id
    assert second.snapshot.spec.resources.memory_mib == 2048
    assert first.status == "SUCCEEDED"


def test_retry_of_a_job_with_files_has_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("then")
    first = fl.submit(["cat", "a.txt"], files=["a.txt"]).wait()
    (tmp_path / "a.txt").write_text("now")

    second = witness.flotilla("retry", first.id)

    assert second.stdout == "then", second.stderr


@pytest.mark.parametrize(
    ("command", "options", "expected"),
    [
        (["python3", "-c", "x = bytearray(300_000_000); import time; time.sleep(5)"],
         {"memory": "100M"}, "--memory 200M (≈ $"),
        (["sleep", "99"], {"timeout": "1s"}, "--timeout 2s"),
    ],
    ids=["memory", "timeout"],
)  # fmt: skip
def test_an_explanation_has_a_command_to_paste_that_works(
    command: list[str], options: dict[str, str], expected: str
) -> None:
    run = fl.submit(command, **options).wait()

    [line] = [line for line in run.explain().splitlines() if line.startswith("  Next:")]

    assert expected in line
    words = line.split("Next: jupyter flotilla ")[1].split(" (")[0].split(";")[0].split()
    assert witness.flotilla(*words, "--bg").returncode == 0
    fl.get("last").cancel(grace=0).wait()


def test_a_missing_module_is_told_with_the_command_that_installs_it() -> None:
    run = fl.run_source("import no_such_module_here").wait()

    assert "-m pip install no_such_module_here" in run.explain()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"deps": "none"}, "--deps cannot change|--deps: jobs of engine process"),
        ({"image": "python:3.12-slim"}, "--image: jobs of engine process cannot have that"),
        ({"network": "none"}, "--network: jobs of engine process cannot have that"),
    ],
    ids=str,
)
def test_what_a_retry_cannot_change_is_refused(change: dict[str, str], said: str) -> None:
    run = fl.submit(["true"], wait=True)

    with pytest.raises(InvalidOption, match=said):
        run.retry(**change)
