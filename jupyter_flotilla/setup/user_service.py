"""The dispatcher as a service of the user's: after a reboot, and after logout, it is there again.

systemd runs it on Linux (``systemd.service(5)``, ``loginctl(1)``: a user's services begin with the
machine only where lingering is on), launchd on macOS (``launchd.plist(5)``).
"""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jupyter_flotilla.environ import own_environment
from jupyter_flotilla.errors import EnvironmentProblem
from jupyter_flotilla.machine import user_name

NAME = "jupyter-flotilla"
_LABEL = "org.jupyter.flotilla"
_WITHIN_S = 20
#: One that has ended, since it was asked to or could not begin, begins again after so long, in
#: seconds. Where another dispatcher lives it waits: it is patient.
_RESTART_S = 5
_INSTALL = "jupyter flotilla service install"


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceStatus:
    """Whether a service dispatches, now and after the next boot."""

    #: ``systemd``, ``launchd``, or None where there is neither.
    manager: str | None
    is_installed: bool
    is_active: bool
    #: True where it begins with the machine, before anybody logs in.
    is_lingering: bool
    #: File of the unit; None where there is no manager.
    path: Path | None


def status() -> ServiceStatus:
    """Return how it is with the service; asks the manager, never for long."""
    manager, path = _manager(), _path()
    if manager is None or path is None:
        return ServiceStatus(
            manager=None, is_installed=False, is_active=False, is_lingering=False, path=None
        )
    if manager == "systemd":
        is_active = _asked("systemctl", "--user", "is-active", "--quiet", f"{NAME}.service")
        linger = Path("/var/lib/systemd/linger") / user_name()
    else:
        is_active = _asked("launchctl", "list", _LABEL)
        linger = None
    return ServiceStatus(
        manager=manager,
        is_installed=path.is_file(),
        is_active=is_active,
        is_lingering=linger is not None and linger.exists(),
        path=path,
    )


def install(environ: Mapping[str, str] = os.environ) -> ServiceStatus:
    """Write the unit and have it started, now and with each boot.

    Raises
    ------
    EnvironmentProblem
        Where there is neither systemd nor launchd, or it refuses.
    """
    manager, path = _manager(), _path()
    if manager is None or path is None:
        raise EnvironmentProblem(
            "there is neither systemd (systemctl --user) nor launchd here for this user",
            next_step=f"have whatever starts things here run: {' '.join(command())}; in crontab -e:"
            f" @reboot {' '.join(command())}",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    if manager == "systemd":
        path.write_text(unit(environ), encoding="utf-8")
        _run("systemctl", "--user", "daemon-reload")
        _run("systemctl", "--user", "enable", "--now", f"{NAME}.service")
        _asked("loginctl", "enable-linger", user_name())  # may be refused: then it is said
    else:
        path.write_bytes(plist(environ))
        _asked("launchctl", "unload", str(path))
        _run("launchctl", "load", "-w", str(path))
    return status()


def uninstall() -> bool:
    """Stop the service and delete its unit; False: there was none."""
    manager, path = _manager(), _path()
    if manager is None or path is None or not path.is_file():
        return False
    if manager == "systemd":
        _asked("systemctl", "--user", "disable", "--now", f"{NAME}.service")
    else:
        _asked("launchctl", "unload", "-w", str(path))
    path.unlink()
    if manager == "systemd":
        _asked("systemctl", "--user", "daemon-reload")
    return True


def waking_note() -> str | None:
    """Return what will not wake schedules, in words; None: a service will."""
    found = status()
    if found.is_active and (found.is_lingering or found.manager == "launchd"):
        return None
    if found.is_active:
        return (
            "the service that wakes it begins when you log in; for machines where nobody does: "
            f"loginctl enable-linger {user_name()}"
        )
    if found.manager is None:
        return (
            "it runs while this machine is on and a dispatcher lives: after a reboot nothing wakes "
            f"it until somebody uses flotilla; have it started at boot: {' '.join(command())}"
        )
    return (
        "nothing wakes it after you log out, or after a reboot, until somebody uses flotilla: "
        f"{_INSTALL}"
    )


def command() -> list[str]:
    """Return what the service runs."""
    return [sys.executable, "-P", "-m", "jupyter_flotilla", "dispatch", "--patient"]


def unit(environ: Mapping[str, str]) -> str:
    """Return the unit of systemd."""
    variables = "\n".join(
        f"Environment={_quoted(f'{name}={value}')}" for name, value in _environment(environ).items()
    )
    words = " ".join(_quoted(word) for word in command())
    return (
        "[Unit]\n"
        "Description=Dispatcher of jupyter_flotilla: runs, schedules\n"
        "\n"
        "[Service]\n"
        f"ExecStart={words}\n"
        f"{variables}\n"
        "Restart=always\n"
        f"RestartSec={_RESTART_S}\n"
        "# jobs are nobody's children, and must outlive it\n"
        "KillMode=process\n"
        "\n"
        "[Install]\n"
        "WantedBy=default.target\n"
    )


def plist(environ: Mapping[str, str]) -> bytes:
    """Return the agent of launchd."""
    return plistlib.dumps(
        {
            "Label": _LABEL,
            "ProgramArguments": command(),
            "EnvironmentVariables": _environment(environ),
            "RunAtLoad": True,
            "KeepAlive": True,
            "ThrottleInterval": _RESTART_S,
            "AbandonProcessGroup": True,
        }
    )


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    # names of places and profiles alone: a unit is a file, and keys are not written into files
    own = own_environment(environ)
    return {name: own[name] for name in sorted(own) if own[name].isprintable()}


def _quoted(text: str) -> str:
    """Return a word of a unit (systemd.syntax(7)): % and $ mean something there."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if "=" in text.partition("/")[0] else f'"{escaped.replace("$", "$$")}"'


def _manager() -> str | None:
    if sys.platform == "darwin":
        return "launchd"
    if shutil.which("systemctl") is None:
        return None
    # is there an instance for this user at all? In a container there is not.
    return "systemd" if _asked("systemctl", "--user", "show-environment") else None


def _path() -> Path | None:
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "LaunchAgents" / f"{_LABEL}.plist"
    config = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    return config / "systemd" / "user" / f"{NAME}.service"


def _asked(*words: str) -> bool:
    """Say whether a command succeeds."""
    try:
        done = subprocess.run(words, capture_output=True, timeout=_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _run(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_WITHIN_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentProblem(f"{' '.join(words)}: {error}") from error
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise EnvironmentProblem(
            f"{' '.join(words)}: {said}", next_step="jupyter flotilla service status"
        )
