"""What packages a job needs, and the layer that brings them.

`find_requirements` → `resolve_once` (before the launch, in words where it fails) → `build_layer`. A
layer is a folder for ``PYTHONPATH``: nothing is installed into the image itself.
"""

from jupyter_flotilla.environment.archive import write_tar_gz
from jupyter_flotilla.environment.entries import Deps, read_deps, read_with
from jupyter_flotilla.environment.image import PROBE, ImageFacts, facts_of
from jupyter_flotilla.environment.installed import Installed
from jupyter_flotilla.environment.layer import build_layer, clean_layers
from jupyter_flotilla.environment.memory import resolve_once
from jupyter_flotilla.environment.requirements import JobCode, Requirements, find_requirements
from jupyter_flotilla.environment.resolution import KERNEL, Lock, resolve

__all__ = [
    "KERNEL",
    "PROBE",
    "Deps",
    "ImageFacts",
    "Installed",
    "JobCode",
    "Lock",
    "Requirements",
    "build_layer",
    "clean_layers",
    "facts_of",
    "find_requirements",
    "read_deps",
    "read_with",
    "resolve",
    "resolve_once",
    "write_tar_gz",
]
