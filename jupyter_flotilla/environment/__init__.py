"""What packages a job needs, and the layer that brings them."""

from jupyter_flotilla.environment.entries import Deps, read_deps, read_with
from jupyter_flotilla.environment.installed import Installed
from jupyter_flotilla.environment.requirements import JobCode, Requirements, find_requirements

__all__ = [
    "Deps",
    "Installed",
    "JobCode",
    "Requirements",
    "find_requirements",
    "read_deps",
    "read_with",
]
