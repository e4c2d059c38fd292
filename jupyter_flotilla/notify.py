"""Sends messages to targets that the user has named: a desktop, or any address that apprise knows.

Addresses have passwords in them. They are read where they lie, at the last moment, and are in no
error, log, event or row: what is stored of a target is its name.
"""

import importlib.util
import logging
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from pydantic import SecretStr

from jupyter_flotilla.engines.secrets import read_secret
from jupyter_flotilla.errors import FlotillaError, InvalidOption, NotTold
from jupyter_flotilla.model.notice import DESKTOP, wishes

#: A desktop that does not answer is left alone after this, in seconds.
_DESKTOP_S = 10
#: Sources of a target's address, beside the address itself.
_SOURCES = ("keyring:", "file:")


def check_targets(notify: Sequence[str], targets: Mapping[str, SecretStr]) -> None:
    """Raise InvalidOption for a wish whose target nobody could be told by, before a launch."""
    for target in dict.fromkeys(target for target, _ in wishes(notify)):
        if target in targets:
            if importlib.util.find_spec("apprise") is None:
                raise InvalidOption(
                    f"--notify {target} needs the package apprise",
                    next_step="pip install 'jupyter_flotilla[notify]'",
                )
        elif target != DESKTOP:
            close = get_close_matches(target, [*targets, DESKTOP], n=1)
            hint = f"--notify {close[0]}? Else " if close else ""
            raise InvalidOption(
                f"--notify {target}: [notify] of your flotilla.toml has no target of that name",
                next_step=f'{hint}[notify] {target} = "ADDRESS" there; addresses: '
                "github.com/caronc/apprise#supported-notifications",
            )


def send(target: str, title: str, body: str, targets: Mapping[str, SecretStr]) -> None:
    """Send one message.

    Raises
    ------
    NotTold
        If the target does not take it, or there is none of that name any more.
    """
    if target in targets:
        _by_apprise(target, _address(target, targets[target]), title, body)
    elif target == DESKTOP:
        _on_desktop(title, body)
    else:
        raise NotTold(f"[notify] has no target {target!r} any more")


def _address(target: str, value: SecretStr) -> str:
    text = value.get_secret_value()
    if not text.startswith(_SOURCES):
        return text
    source = text if "/" in text or text.startswith("file:") else f"keyring:flotilla/{target}"
    try:
        return read_secret(f"of [notify] {target}", source)
    except FlotillaError as error:
        raise NotTold(error.message) from None


def _by_apprise(target: str, address: str, title: str, body: str) -> None:
    try:
        import apprise
    except ImportError:
        raise NotTold("the package apprise is not installed") from None
    # it logs what it cannot send, and a server's answer may repeat what it was sent
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    sender = apprise.Apprise()
    if not sender.add(address):
        raise NotTold(f"the address of {target!r} is none that apprise knows")
    if not sender.notify(title=title, body=body):
        raise NotTold(f"{target!r} did not take it")


def _on_desktop(title: str, body: str) -> None:
    if sys.platform == "darwin":
        script = "on run argv\ndisplay notification (item 2 of argv) with title (item 1 of argv)\n"
        command = ["osascript", "-e", f"{script}end run", title, body]
    elif (program := shutil.which("notify-send")) is not None:
        command = [program, "--app-name=Flotilla", "--", title, body]
    else:
        raise NotTold("notify-send is not installed (package libnotify-bin)")
    try:
        done = subprocess.run(command, capture_output=True, timeout=_DESKTOP_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotTold(f"the desktop does not answer: {type(error).__name__}") from None
    if done.returncode != 0:
        raise NotTold("the desktop did not take it: is there one?")
