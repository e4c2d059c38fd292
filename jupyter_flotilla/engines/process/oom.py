"""How often the system has killed for want of memory.

Source: Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of Linux 6.1; a kill by
any OOM killer, of the whole machine or of a group, counts in the control group of its victim.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path


def oom_kills(root: Path = Path("/")) -> int:
    """Return how many processes were killed in this process's control group so far.

    Where there is no such count (the root group has none), all of the machine since it was
    started count: a container that ran out of memory beside this is told from it only by a group.
    """
    for table in [*_tables(root), root / "proc/vmstat"]:
        with contextlib.suppress(OSError, ValueError):
            for line in table.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
    return 0


def _tables(root: Path) -> Iterator[Path]:
    mount = root / "sys/fs/cgroup"
    with contextlib.suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if "memory" in controllers.split(","):
                yield mount / "memory" / path.lstrip("/") / "memory.oom_control"
            elif controllers == "":
                yield mount / path.lstrip("/") / "memory.events"
