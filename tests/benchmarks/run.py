"""Measure ourselves side by side with peers, in one run, as ratios.

python tests/benchmarks/run.py [NAME …] [--repeat N] [--rows N] [--stream-mib N]

Each benchmark alternates between its contenders, so that what else the machine does hits all of
them; the median of each is printed, and its ratio to the first. jupyter-scheduler takes part where
it is installed.
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

import cells
import containers
import contenders
import lab
import panel
import recurring
import rest
import scale
import schedules

#: Name → what is compared, and its unit; the first contender is the yardstick.
BENCHMARKS: dict[
    str, tuple[Callable[[Path, argparse.Namespace], dict[str, Callable[[], float]]], str]
] = {
    "notebook": (contenders.notebook, "s"),
    "commands": (contenders.commands, "s"),
    "submit": (contenders.submit, "s"),
    "import": (contenders.imports, "s"),
    "load-ext": (cells.load_ext, "s"),
    "cell": (cells.cell, "s"),
    "frame": (cells.frame, "s"),
    "lines": (cells.lines, "s"),
    "docker-notebook": (containers.notebook, "s"),
    "docker-first-line": (containers.first_line, "s"),
    "docker-layers": (containers.layers, "s"),
    "list": (scale.listing, "s"),
    "rest-list": (rest.lists, "s"),
    "rest-status": (rest.status, "s"),
    "lab-delay": (lab.delay, "s"),
    "lab-live": (lab.live, "s"),
    "lab-start": (lab.start, "s"),
    "lab-size": (lab.size, "kB"),
    "panel-cost": (panel.cost, "a second"),
    "panel-leak": (panel.leak, ""),
    "stream": (scale.stream, "s"),
    "stream-memory": (scale.stream_memory, "MiB"),
    "dispatcher-memory": (scale.dispatcher_memory, "MiB"),
    "dispatcher-cpu": (scale.dispatcher_cpu, "%"),
    "ticks": (schedules.ticks, "a second"),
    "schedules-idle": (schedules.idle, "%"),
    "schedules-lag": (schedules.lag, "s"),
    "schedules-minute": (recurring.minute, "s"),
    "schedules-missed": (recurring.missed, ""),
}


def main() -> None:
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the longest list")
    parser.add_argument("--stream-mib", type=int, default=1024, help="of the long stream")
    arguments = parser.parse_args()
    print(f"{date.today()}, {platform.machine()}, {os.cpu_count()} cores, "
          f"Python {platform.python_version()}, {platform.system()}")  # fmt: skip
    for name in arguments.names or BENCHMARKS:
        with tempfile.TemporaryDirectory(prefix="flotilla-bench-") as folder:
            os.environ["FLOTILLA_HOME"] = str(Path(folder) / "home")
            os.environ["FLOTILLA_CONFIG"] = str(Path(folder) / "flotilla.toml")
            Path(os.environ["FLOTILLA_CONFIG"]).write_text("idle_s = 5\nmax_running = 4\n")
            make, unit = BENCHMARKS[name]
            _compare(name, make(Path(folder), arguments), arguments.repeat, unit)
            contenders.finish()


def _compare(name: str, runs: dict[str, Callable[[], float]], repeat: int, unit: str) -> None:
    times: dict[str, list[float]] = {label: [] for label in runs}
    for _ in range(repeat):
        for label, run in runs.items():
            times[label].append(run())
    medians = {label: statistics.median(found) for label, found in times.items()}
    yardstick = next(iter(medians.values()))
    print(f"\n{name}")
    for label, median in medians.items():
        low, high = min(times[label]), max(times[label])
        print(f"  {label:<44} {median:9.4f} {unit}  ({low:.4f} to {high:.4f})  "
              f"× {median / yardstick:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
