"""What a container uses, as its own control group tells: version 2 or 1.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux 6.1.
"""

import os
from typing import Dict, Optional

_ROOT = "/sys/fs/cgroup"
_MIB = 2.0**20


class Cgroup:
    """The control group of this container; what cannot be read is 0 or None."""

    def __init__(self, root: str = _ROOT) -> None:
        self._root = root
        self._is_v2 = os.path.exists(os.path.join(root, "cgroup.controllers"))

    def memory_mib(self) -> float:
        """Return the memory in use without what the system can take back at once."""
        if self._is_v2:
            used, name = self._number("memory.current"), "inactive_file"
        else:
            used, name = self._number("memory/memory.usage_in_bytes"), "total_inactive_file"
        stat = self._table("memory.stat" if self._is_v2 else "memory/memory.stat")
        return max(0.0, (used or 0.0) - stat.get(name, 0.0)) / _MIB

    def peak_memory_mib(self) -> float:
        """Return the most memory that was ever in use, caches of files included."""
        name = "memory.peak" if self._is_v2 else "memory/memory.max_usage_in_bytes"
        return (self._number(name) or 0.0) / _MIB

    def cpu_s(self) -> float:
        """Return the CPU seconds of all processes that ever were here."""
        if self._is_v2:
            return self._table("cpu.stat").get("usage_usec", 0.0) / 1e6
        return (self._number("cpuacct/cpuacct.usage") or 0.0) / 1e9

    def oom_kills(self) -> int:
        """Return how many processes the system has killed here for want of memory."""
        name = "memory.events" if self._is_v2 else "memory/memory.oom_control"
        return int(self._table(name).get("oom_kill", 0.0))

    def refused_at_processes(self) -> Optional[int]:
        """Return the limit of processes and threads if one more was ever refused, else None."""
        folder = "" if self._is_v2 else "pids/"
        if not self._table(folder + "pids.events").get("max"):
            return None
        limit = self._number(folder + "pids.max")
        return None if limit is None else int(limit)

    def _read(self, name: str) -> str:
        try:
            with open(os.path.join(self._root, name), encoding="ascii") as file:
                return file.read()
        except (OSError, ValueError):
            return ""

    def _number(self, name: str) -> Optional[float]:
        try:
            return float(self._read(name))
        except ValueError:
            return None

    def _table(self, name: str) -> Dict[str, float]:
        rows = (line.split() for line in self._read(name).splitlines())
        return {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
