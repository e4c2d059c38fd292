"""Paths from outside."""

import os


class Tampered(Exception):
    """Something is not what the launcher has sent."""


def confined(folder: str, name: str) -> str:
    """Return where ``name`` lies below a folder; raises Tampered if that would not be below it."""
    parts = name.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise Tampered("%r is no place below the job's folder" % name)
    return os.path.join(folder, *parts)
