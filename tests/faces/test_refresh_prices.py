"""``jupyter flotilla cost --refresh-prices``: what people see of it."""

import json
import os
from pathlib import Path

import pytest
import witness
from click.testing import CliRunner

from jupyter_flotilla.commands import cost as module
from jupyter_flotilla.commands.cost import cost
from jupyter_flotilla.engines.ecs.price_refresh import Refreshed
from jupyter_flotilla.engines.ecs.prices import RegionPrices


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS tells two prices, and not that of Spot."""
    price = {"vcpu_hour": 0.047, "gb_hour": 0.0052, "source": "AWS", "read": "2026-11-25"}
    disk = {"usd_hour": 0.000127, "source": "AWS", "read": "2026-11-25"}
    prices = RegionPrices.model_validate({"on_demand": {"x86_64": price}, "disk": disk})
    refreshed = Refreshed(region="eu-central-1", prices=prices, notes=("no Spot: away",))
    monkeypatch.setattr(module, "refresh_prices", lambda settings, now: refreshed)


def test_prices_that_were_read_are_shown_with_what_was_not(told: None) -> None:
    shown = CliRunner().invoke(cost, ["--refresh-prices"])

    assert shown.exit_code == 0
    assert shown.stderr.splitlines() == [
        "Fargate in eu-central-1, US dollars an hour:",
        "  x86_64 on demand: 0.047 a vCPU, 0.0052 a GiB of memory",
        "  disk above 20 GiB: 0.000127 a GiB",
        "note: no Spot: away",
    ]


def test_json_is_all_of_stdout(told: None) -> None:
    shown = CliRunner().invoke(cost, ["--refresh-prices", "--json"])

    assert json.loads(shown.stdout)["on_demand"]["x86_64"]["vcpu_hour"] == 0.047


def test_without_credentials_it_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    shown = witness.flotilla("cost", "--refresh-prices")

    assert shown.returncode == 2
    assert "there are no AWS credentials" in shown.stderr
    assert "the old prices stay" in shown.stderr
