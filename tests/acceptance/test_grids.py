"""Grids of real notebooks, the whole way through."""

import json
import subprocess
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla.errors import InvalidOption, WaitTimeout

_BODY = """
from jupyter_flotilla import job
for step in range(3):
    job.log_metric("loss", lr * depth / (step + 1), step)
job.log_metric("<b>ü</b>", float("nan"))
if depth == 9:
    raise ValueError("too <i>deep</i>")
lr * depth
"""


@pytest.fixture
def train(tmp_path: Path, settings_file: Path) -> Path:
    """A notebook that takes a rate and a depth, logs a metric, and fails at depth 9."""
    return witness.notebook(
        tmp_path / "tr äin.ipynb", _BODY, parameters="lr: float = 0.1\ndepth: int = 3"
    )


def _grid(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return witness.flotilla("run", *words)


def test_a_grid_gives_a_frame_of_parameters_metrics_and_cost(train: Path) -> None:
    runs = fl.run_grid(
        train, grid={"lr": [0.1, 0.01], "depth": [3, 9]}, timeout="5m", max_parallel=2
    )

    frame = runs.wait().df

    assert list(zip(frame.lr, frame.depth, strict=True)) == [
        (0.1, 3), (0.1, 9), (0.01, 3), (0.01, 9),
    ]  # fmt: skip
    assert list(frame.status) == ["SUCCEEDED", "FAILED"] * 2
    assert list(frame.loss) == pytest.approx([0.1, 0.3, 0.01, 0.03])
    assert frame["<b>ü</b>"].isna().all()
    assert (frame.cost_usd > 0).all()
    assert (frame.duration_s > 0).all()
    assert "<b>" not in runs._repr_html_()
    assert runs.progress == {"SUCCEEDED": 2, "FAILED": 2}


def test_results_of_a_grid_raise_return_or_skip_errors(train: Path) -> None:
    runs = fl.run_grid(train, grid={"depth": [3, 9]}, wait=True)

    returned = runs.results(errors="return")

    assert "deep" in str(returned[1])
    assert len(runs.results(errors="skip")) == 1
    assert returned[0].cells[-1].outputs[-1].data["text/plain"].startswith("0.3")
    with pytest.raises(fl.RunFailed, match="deep"):
        runs.results()


def test_runs_come_as_they_are_completed_and_failures_are_retried_as_a_new_grid(
    train: Path,
) -> None:
    runs = fl.run_grid(train, grid={"depth": [9, 3, 9]}, max_parallel=1)

    completed = [run.id for run in runs.as_completed()]
    again = runs.failed.retry(params={"depth": 5}, max_parallel=2)

    assert completed == [run.id for run in runs]
    assert [run.snapshot.retry_of for run in again] == [runs[0].id, runs[2].id]
    assert again.wait().progress == {"SUCCEEDED": 2}
    assert (again.grid.max_parallel, fl.get_grid(again.id[:7]).id) == (2, again.id)


def test_a_cancelled_grid_starts_nothing_more(tmp_path: Path, settings_file: Path) -> None:
    oracle = tmp_path / "oracle.txt"
    notebook = witness.notebook(
        tmp_path / "slow.ipynb", witness.oracle_cell(oracle, 30), parameters="n = 0"
    )
    runs = fl.run_grid(notebook, grid={"n": range(5)}, max_parallel=1)
    witness.until(lambda: witness.lines(oracle), "the first run begins")

    with pytest.raises(WaitTimeout, match="5 of 5 runs are not final"):
        runs.wait(timeout=0.1)
    runs.cancel(grace=1).wait()

    assert runs.progress == {"CANCELLED": 5}
    assert len([line for line in witness.lines(oracle) if line.startswith("start")]) == 1


def test_a_budget_is_never_passed_and_what_remains_is_said(train: Path) -> None:
    # a run may cost $0.0058 (6 minutes at $0.058 an hour, with its free retries thrice that)
    done = _grid(
        train, "--grid", "lr=0.1,0.2,0.3", "--max-cost", "0.002", "--budget", "0.0035", "--json"
    )

    rows = json.loads(done.stdout)["runs"]
    assert done.returncode == 1
    assert [row["status"] for row in rows] == ["SUCCEEDED", "SUCCEEDED", "FAILED"]
    assert rows[2]["failure_kind"] == "cost-cap"
    assert sum(row["cost_usd"] for row in rows) <= 0.0035
    assert "Not launched: of the grid's budget of $0.0035" in done.stderr


def test_the_command_line_shows_a_table_and_saves_each_notebook(
    train: Path, tmp_path: Path
) -> None:
    points = tmp_path / "points.csv"
    points.write_text("lr,depth\n0.1,3\n0.5,4\n")

    done = _grid(train, "--grid-file", points, "--save", tmp_path / "out/{lr}-{depth}.ipynb")

    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "0.1-3.ipynb", "0.5-4.ipynb",
    ]  # fmt: skip
    [header] = [line for line in done.stderr.splitlines() if line.startswith("id ")]
    assert header.split() == ["id", "lr", "depth", "status", "loss", "<b>ü</b>", "took", "peak",
                              "cost"]  # fmt: skip
    assert "2 runs of" in done.stderr


def test_a_grid_is_shown_waited_for_cancelled_and_retried_by_its_id(train: Path) -> None:
    runs = fl.run_grid(train, grid={"depth": [3, 9]})

    waited = witness.flotilla("wait", runs.id[:7])
    shown = json.loads(witness.flotilla("grid", runs.id, "--json").stdout)
    retried = witness.flotilla("retry", runs.id, "-p", "depth=3", "--json")
    nothing = witness.flotilla("retry", json.loads(retried.stdout)["id"])
    cancelled = witness.flotilla("cancel", runs.id)

    assert waited.returncode == 1
    assert [row["depth"] for row in shown["runs"]] == [3, 9]
    assert (retried.returncode, len(json.loads(retried.stdout)["runs"])) == (0, 1)
    assert (nothing.returncode, "has failed" in nothing.stderr) == (2, True)
    assert "is FAILED already" in cancelled.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--grid", "dpeth=1,2"], "did you mean depth?"),
        (["--grid", "depth=deep"], "of type int, not str"),
        (["--grid", "lr"], "is not NAME=VALUES"),
        (["--grid", "lr=1:0:1"], "never comes from 1 to 0"),
        (["--grid", "lr=1,2", "--grid", "depth=1,2,3", "--zip"], "lists of one length"),
        (["--grid-file", "missing.csv"], "missing.csv cannot be read"),
        (["--budget", "5"], "--budget is for a grid"),
        (["--grid", "lr=1,2", "--budget", "5"], "nothing limits it"),
        (["--grid", "lr=1,2", "--timeout", "1h", "--budget", "0.01"], "nothing would be launched"),
        (["--grid", "lr=1,2", "--save", "out.ipynb"], "one path for several runs"),
        (["--grid", "lr=1,2", "--save", "{rate}.ipynb"], "there is no 'rate' to fill in"),
        (["--grid", "lr=0:1:0.00001"], "more than 10,000"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_grid_is_refused_whole(
    train: Path, home: Path, words: list[str], expected: str
) -> None:
    refused = _grid(train, *words)

    assert refused.returncode == 2
    assert expected in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list(home.glob("runs/*/*"))


def test_a_command_takes_no_grid(settings_file: Path) -> None:
    refused = witness.flotilla("run", "--grid", "a=1,2", "--", "true")

    assert (refused.returncode, "parameters of a notebook" in refused.stderr) == (2, True)
    with pytest.raises(InvalidOption, match="no points"):
        fl.run_grid("t.ipynb")
