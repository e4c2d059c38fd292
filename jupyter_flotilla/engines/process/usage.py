"""Measures a job: what its processes use now, used at most, and used in all."""

import time
from pathlib import Path
from typing import Any

from jupyter_flotilla import protocol
from jupyter_flotilla.engines.process.processes import JobProcesses, memory_mib
from jupyter_flotilla.protocol.usage_log import UsageLog

#: How often processes are measured, in seconds.
_MEASURE_EVERY_S = 0.2


class UsageMeter:
    """Measures one attempt and writes ``usage.json`` and ``usage.jsonl``."""

    def __init__(self, folder: Path, processes: JobProcesses) -> None:
        self._folder = folder
        self._processes = processes
        previous = protocol.read_json(str(folder / protocol.USAGE)) or {}
        self.peak_memory_mib: float = previous.get("peak_memory_mib", 0.0)
        #: Of supervisors before this one.
        self._earlier_cpu_s: float = previous.get("cpu_s", 0.0)
        self._usage: dict[str, Any] = {"memory_mib": 0.0, "cpu_s": 0.0, "cpu_percent": 0.0}
        self._usage["peak_memory_mib"] = self.peak_memory_mib
        self.elapsed_s: float = previous.get("elapsed_s", 0.0)
        self._measured_at = -1e9
        self._log = UsageLog(str(folder))

    def look(self, runner_pid: int | None, *, final: bool = False) -> dict[str, Any]:
        """Return the latest measure, a new one if it is time; a final one is always written."""
        now = time.monotonic()
        if final or now - self._measured_at >= _MEASURE_EVERY_S:
            self._measure(runner_pid, now)
        self._log.note(self._usage, self.elapsed_s, final=final)
        return self._usage

    def exact_memory_mib(self) -> float:
        """Return the memory in use with shared pages counted once, in MiB."""
        found = self._processes.find(None)
        exact = memory_mib(found, shared_once=True)
        self.raise_peak(exact)
        return exact

    def raise_peak(self, mib: float) -> None:
        """Take note of a size that somebody else has measured, in MiB."""
        self.peak_memory_mib = max(self.peak_memory_mib, mib)

    def _measure(self, runner_pid: int | None, now: float) -> None:
        found = self._processes.find(runner_pid)
        memory = memory_mib(found)
        before_cpu_s, before = self._usage["cpu_s"], self._measured_at
        cpu_s = max(self._earlier_cpu_s, self._processes.cpu_s(found))
        self.peak_memory_mib = max(self.peak_memory_mib, memory)
        self._usage = {
            "memory_mib": round(memory, 1),
            "peak_memory_mib": round(self.peak_memory_mib, 1),
            "cpu_s": round(cpu_s, 2),
            "cpu_percent": round(max(0.0, cpu_s - before_cpu_s) / (now - before) * 100, 1),
            "processes": len(found),
        }
        self._measured_at = now
        started = protocol.read_json(str(self._folder / protocol.STARTED))
        if found and started is not None:
            self.elapsed_s = max(0.0, now - started["monotonic"])
