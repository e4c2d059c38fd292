"""Measure ourselves side by side with peers, in one run, as ratios.

python tests/benchmarks/run.py [NAME …] [--repeat N] [--rows N]

Each benchmark alternates between its contenders, so that what else the machine does hits all of
them; the median of each is printed, and its ratio to the first.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import contenders

#: Name → what is compared; the first contender is the yardstick.
BENCHMARKS: dict[str, Callable[[Path, argparse.Namespace], dict[str, Callable[[], float]]]] = {
    "notebook": contenders.notebook,
    "commands": contenders.commands,
    "submit": contenders.submit,
    "list": contenders.listing,
    "import": contenders.imports,
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rows", type=int, default=100_000, help="of the longest list")
    arguments = parser.parse_args()
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}, {platform.system()}")  # fmt: skip
    for name in arguments.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="flotilla-bench-") as folder:
            os.environ["FLOTILLA_HOME"] = str(Path(folder) / "home")
            os.environ["FLOTILLA_CONFIG"] = str(Path(folder) / "flotilla.toml")
            Path(os.environ["FLOTILLA_CONFIG"]).write_text("idle_s = 5\nmax_running = 4\n")
            _compare(name, BENCHMARKS[name](Path(folder), arguments), arguments.repeat)
            contenders.finish()


def _compare(name: str, runs: dict[str, Callable[[], float]], repeat: int) -> None:
    times: dict[str, list[float]] = {label: [] for label in runs}
    for _ in range(repeat):
        for label, run in runs.items():
            times[label].append(run())
    medians = {label: statistics.median(found) for label, found in times.items()}
    yardstick = next(iter(medians.values()))
    print(f"\n{name}")
    for label, median in medians.items():
        low, high = min(times[label]), max(times[label])
        print(f"  {label:<44} {median:9.4f} s  ({low:.4f} to {high:.4f})  "
              f"× {median / yardstick:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
