"""What it means that a daemon refuses to create or start a container, in one clear line each."""

import re
from typing import Any

from jupyter_flotilla.errors import LaunchError

#: What to do where the daemon's own disk is full.
MAKE_ROOM = "docker system prune (it removes what nothing uses any more), or a larger disk for it"


class NoImage(Exception):
    """There is no such image, or it cannot run jobs; the message says why."""


def has_no_room(said: str) -> bool:
    """Say whether these are words of a daemon whose disk is full."""
    return "no space left on device" in said.lower()


def is_for_another_machine(said: str) -> bool:
    """Say whether these are words about programs of another architecture."""
    return "exec format error" in said.lower()


def other_machine(image: str, its: str, this: str) -> str:
    """Return the line about an image whose programs cannot run here, without its full stop.

    Parameters
    ----------
    its, this
        Architectures as Go calls them, such as ``arm64``. What an image says of itself can be
        wrong: ``docker import`` says this machine's of anything.
    """
    what = f"for {its}, and this one is {this}" if its not in ("", this) else f"not for {this}"
    return (
        f"image {image} is for another kind of machine: {what}; "
        f"docker pull --platform linux/{this} gets one for this machine, where there is one"
    )


def refusal(error: Any, image: str) -> NoImage | LaunchError:
    """Return what the user is told.

    Parameters
    ----------
    error
        A `docker.errors.APIError`. Its words are of moby's ``daemon/start.go`` and runc's; they
        differ between releases, so only what has stayed the same is looked for.
    """
    said = str(error.explanation or error)
    if error.status_code == 404 and "no such image" in said.lower():
        return NoImage(f"there is no image {image} here")
    if "invalid reference format" in said:
        return NoImage(f"{image!r} is no name of an image")
    if re.search(r"exec: \W*/bin/sh", said):
        return NoImage(
            f"image {image} has no /bin/sh; jobs need a shell and Python 3.8 or later in it"
        )
    if has_no_room(said):
        # it passes once there is room, and the run waits for that; the message is all that is shown
        return LaunchError(
            f"Docker has no room left to make a container. It is tried again; do {MAKE_ROOM}. "
            f"It said: {said[-300:]}",
            retryable=True,
        )
    if "could not select device driver" in said:
        return LaunchError(
            "Docker cannot give GPUs to containers on this machine",
            next_step="install the NVIDIA Container Toolkit, or leave --gpu out",
        )
    # the daemon's own trouble goes away, what runc says of this container does not
    is_passing = error.status_code >= 500 and "OCI runtime" not in said
    return LaunchError(f"Docker refuses: {said[:500]}", retryable=is_passing)
