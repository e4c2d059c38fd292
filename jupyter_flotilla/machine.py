"""What this machine is, and whether a process of it still lives.

A pid alone names nothing: it is reused, it dies with a reboot, and another host has the same
one. Host, boot and birth together name a process for good.
"""

import getpass
import os
import platform
import socket
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo


@cache
def host() -> str:
    """Return this host's name, as attempts and leases record it."""
    return socket.gethostname()


@cache
def boot_id() -> str:
    """Return what changes with every boot of this machine.

    Linux says it itself (``proc(5)``, ``/proc/sys/kernel/random/boot_id``); elsewhere it is the
    boot time in whole seconds.
    """
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    import psutil

    return str(int(psutil.boot_time()))


def birth(pid: int) -> float | None:
    """Return when a process was born, or None if there is no such living process.

    On Linux: seconds after boot, from ``/proc/PID/stat`` (``proc(5)``, field 22), so that a step
    of the wall clock moves nothing; elsewhere seconds since the epoch. Only ever compared with
    an earlier answer for the same boot. A zombie counts as dead.
    """
    if Path("/proc/self/stat").exists():
        try:
            # the command, field 2, may hold spaces and brackets: count from its last bracket
            text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            return None
        fields = text.rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            return None
        return int(fields[19]) / os.sysconf("SC_CLK_TCK")
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def process_name(pid: int) -> dict[str, Any]:
    """Return what names a living process for good: ``host``, ``boot_id``, ``pid``, ``birth``."""
    return {"host": host(), "boot_id": boot_id(), "pid": pid, "birth": birth(pid)}


def total_memory_mib() -> int:
    """Return this machine's memory in MiB, or its cgroup's where that is smaller."""
    import psutil

    total = int(psutil.virtual_memory().total)
    try:  # cgroup v2: what a container may use
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        if limit != "max":
            total = min(total, int(limit))
    except (OSError, ValueError):
        pass
    return total // 2**20


def file_system(path: Path) -> str:
    """Return the type of the file system that holds ``path`` (``ext4``, ``nfs4`` …), or ``""``."""
    import psutil

    try:
        partitions = psutil.disk_partitions(all=True)
    except OSError:
        return ""
    resolved = path.resolve()
    best = max(
        (p for p in partitions if resolved.is_relative_to(p.mountpoint)),
        key=lambda p: len(p.mountpoint),
        default=None,
    )
    return best.fstype if best else ""


#: File systems where SQLite's shared-memory WAL index does not work (sqlite.org/wal.html,
#: "does not work over a network filesystem"), as /proc/mounts and macOS spell them.
NETWORK_FILE_SYSTEMS = frozenset(
    "nfs nfs3 nfs4 cifs smb smb2 smb3 smbfs afpfs 9p ceph lustre beegfs gpfs "  # noqa: SIM905
    "glusterfs fuse.sshfs fuse.glusterfs fuse.s3fs fuse.gcsfuse fuse.ceph efs webdav "
    "osxfuse".split()
)


def is_network_file_system(path: Path) -> bool:
    """Say whether ``path`` lies on a file system that several hosts may share."""
    return file_system(path) in NETWORK_FILE_SYSTEMS


def is_supported() -> bool:
    """Say whether Flotilla runs on this operating system (Linux and macOS)."""
    return platform.system() in ("Linux", "Darwin")


def user_name() -> str:
    """Return who the user is, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())  # a container's user that has no name


def local_zone() -> str:
    """Return the IANA name of this machine's time zone; ``UTC`` where nothing says it."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _zone_of_link(), _zone_of_file()):
        try:
            if name:
                return ZoneInfo(name).key
        except (OSError, ValueError, KeyError):
            continue  # a TZ such as EST5EDT,M3.2.0 is no name
    return "UTC"


def _zone_of_link() -> str:
    return str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]


def _zone_of_file() -> str:
    try:
        return Path("/etc/timezone").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""
