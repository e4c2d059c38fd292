"""What an image has: run inside it, by Python 3.8 or later, with the standard library alone.

Prints one JSON line. Never imported: `image.PROBE` is its text.
"""

import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import sysconfig
from typing import Any, Dict, List


def libc() -> List[str]:
    """Return ["glibc", "2.36"] or ["musl", "1.2"]; ["", ""] where there is neither."""
    try:
        name, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()
        return [name, version]
    except (AttributeError, ValueError, OSError):
        pass
    for loader in musl_loaders():
        said = subprocess.run([loader], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL).stderr
        for line in said.decode("utf-8", "replace").splitlines():
            if line.startswith("Version "):
                return ["musl", line.split()[1]]
    return ["", ""]


def musl_loaders() -> List[str]:
    """Return the dynamic loaders of musl; called without arguments they tell their version."""
    try:
        return ["/lib/" + n for n in sorted(os.listdir("/lib")) if n.startswith("ld-musl-")]
    except OSError:
        return []


def dists() -> Dict[str, Any]:
    """Return name → [version, requirements]; the first of a name on the path is the one."""
    found = {}  # type: Dict[str, Any]
    for dist in importlib.metadata.distributions():
        said = dist.metadata
        if said is None or "Name" not in said or "Version" not in said:
            continue  # a removal has left an empty folder
        name = said["Name"].lower().replace("_", "-")
        found.setdefault(name, [said["Version"], list(dist.requires or ())])
    return found


print(
    json.dumps(
        {
            "flotilla_image": 1,
            "python": platform.python_version(),
            "implementation": platform.python_implementation().lower(),
            "is_free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "executable": sys.executable,
            "system": platform.system().lower(),
            "machine": platform.machine().lower() if sys.maxsize > 2**32 else "32-bit",
            "libc": libc(),
            "dists": dists(),
        },
        sort_keys=True,
    )
)
