"""Nothing expensive starts without consent; what was spent is seen."""

import json
from pathlib import Path

import pytest
import witness

import jupyter_flotilla as fl

_RUN = ["--timeout", "1h", "--memory", "2G", "--", "true"]


def test_a_free_engine_asks_for_nothing(settings_file: Path) -> None:
    assert (
        witness.flotilla("run", "--timeout", "48h", "--memory", "8G", "--", "true").returncode == 0
    )


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("confirm_above = 0.01", "it may cost up to"),
        ("monthly_budget = 0.01", "the monthly budget of $0.010"),
    ],
)
def test_a_limit_of_the_users_own_is_asked_about_and_refused_where_nobody_can_be_asked(
    settings_file: Path, setting: str, expected: str
) -> None:
    settings_file.write_text(f"idle_s = 5\n{setting}\n")

    refused = witness.flotilla("run", *_RUN)

    assert refused.returncode == 3
    assert expected in refused.stderr
    assert "Next: jupyter flotilla run --yes --timeout 1h --memory 2G -- true" in refused.stderr
    assert json.loads(witness.flotilla("ls", "--json").stdout) == []
    assert witness.flotilla("run", "--yes", *_RUN).returncode == 0


def test_python_refuses_as_well_unless_told(settings_file: Path) -> None:
    settings_file.write_text("idle_s = 5\nconfirm_above = 0.01\n")

    with pytest.raises(fl.FlotillaError, match="confirm=False"):
        fl.submit(["true"], timeout="1h")

    assert fl.submit(["true"], timeout="1h", confirm=False, wait=True).status == "SUCCEEDED"


def test_a_ceiling_counts_every_attempt_that_could_be_made(settings_file: Path) -> None:
    ceilings = [
        witness.flotilla("run", "--dry-run", *retries, *_RUN)
        .stderr.split("at most $")[1]
        .split()[0]
        for retries in ([], ["--retries", "3"])
    ]

    assert float(ceilings[1]) / float(ceilings[0]) == pytest.approx(6 / 3, rel=0.05)


def test_three_successes_make_an_expectation(settings_file: Path) -> None:
    said = [witness.flotilla("run", "--name", "same", "--", "true").stderr for _ in range(4)]

    assert ["expected" in text for text in said] == [False, False, False, True]
    assert "by 3 earlier runs" in said[3]


def test_costs_are_summed_with_failed_attempts_in_them(settings_file: Path) -> None:
    settings_file.write_text("idle_s = 5\nretry_delay_s = 0\n")
    fl.submit(["false"], retries=1, name="bad", tags={"team": "x"}, wait=True)
    fl.submit(["true"], name="good", tags={"team": "x", "other": ""}, wait=True)

    def summed(by: str) -> dict[str, tuple[int, int]]:
        rows = json.loads(witness.flotilla("cost", "--by", by, "--json").stdout)
        return {row["group"]: (row["runs"], row["attempts"]) for row in rows}

    assert summed("name") == {"bad": (1, 2), "good": (1, 1)}
    assert summed("tag") == {"team=x": (2, 3), "other=": (1, 1)}
    assert list(summed("day").values()) == [(2, 3)]
    [row] = fl.costs("engine")
    assert row.failed_usd == pytest.approx(row.usd * 2 / 3)
    assert "what Fargate would have taken" in witness.flotilla("cost").stderr
