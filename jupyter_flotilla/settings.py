"""What the user has set: one answer for kernel, server, command line and dispatcher.

Sources, the stronger first: ``FLOTILLA_*`` in the environment, the user's ``flotilla.toml``,
defaults. Settings of a dispatcher are the user's alone: it serves many projects.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from jupyter_flotilla.errors import InvalidSettings

#: Tables of the settings file that are about jobs: `JobDefaults`.
_OF_JOBS = frozenset({"defaults", "profiles"})


class Settings(BaseModel):
    """What can be set, with its defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(
        default_factory=lambda: _of_user(user_data_path),
        description="Folder of the store, of all runs and of logs.",
    )
    store: str | None = Field(
        default=None,
        description="URL of a PostgreSQL store; unset: a SQLite file in the home.",
    )
    engine: str = Field(default="process", description="Engine of --engine auto.")
    image: str | None = Field(
        default=None,
        description="Image of --engine docker; unset: the python:X.Y-slim of this Python.",
    )
    artifacts: str | None = Field(
        default=None,
        description="s3://BUCKET/PREFIX through which jobs in containers get and give files; "
        "unset: folders of this machine.",
    )
    region: str = Field(
        default="us-east-1",
        description="AWS region: of the bucket of artifacts, and whose Fargate prices count.",
    )
    max_running: int = Field(
        default_factory=lambda: max(2, os.cpu_count() or 2),
        ge=1,
        le=10_000,
        description="Most runs at a time on this machine; others wait in the queue.",
    )
    confirm_above: float | None = Field(
        default=None,
        ge=0,
        description="US dollars of ceiling above which to ask; unset: 1 where an engine bills.",
    )
    monthly_budget: float | None = Field(
        default=None, ge=0, description="US dollars a month and engine above which to ask."
    )
    retry_delay_s: float = Field(
        default=5.0,
        ge=0,
        le=300,
        description="Seconds before the first further attempt; each one later waits twice as long.",
    )
    checkpoint_every_s: float = Field(
        default=60.0,
        ge=1,
        le=86_400,
        allow_inf_nan=False,
        description="Seconds between two saves of what a job puts into its checkpoint folder.",
    )
    keep_days: float | None = Field(
        default=None,
        gt=0,
        le=36_500,
        allow_inf_nan=False,
        description="Delete finished runs after so many days; unset: never.",
    )
    keep_gib: float | None = Field(
        default=None,
        gt=0,
        le=1e9,
        allow_inf_nan=False,
        description="Delete the oldest above so many GiB in all; unset: never.",
    )
    idle_s: float = Field(
        default=120.0,
        gt=0,
        allow_inf_nan=False,
        description="Seconds after the last open run until the dispatcher leaves.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Sourced:
    """A setting and where its value came from."""

    name: str
    value: Any
    #: ``default``, the settings file's path, or the environment variable.
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDefaults:
    """What one file says of the options of jobs, as it is written there."""

    #: The file's path.
    source: str
    #: ``[defaults]``: keyword → value.
    defaults: Mapping[str, Any] = field(default_factory=dict)
    #: ``[profiles.NAME]``: name → keyword → value.
    profiles: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Mapping[str, Any], source: str) -> "JobDefaults":
        """Return what a file's table says; raises InvalidSettings where it is of another shape."""
        defaults, profiles = table.get("defaults", {}), table.get("profiles", {})
        tables = [defaults, profiles, *(profiles.values() if isinstance(profiles, dict) else ())]
        if not all(isinstance(one, dict) for one in tables):
            raise InvalidSettings(
                f"{source}: defaults and profiles are tables of options",
                next_step='[defaults] timeout = "2h"; [profiles.big] memory = "32G"',
            )
        return cls(source=source, defaults=defaults, profiles=profiles)


def load_job_defaults(environ: Mapping[str, str] = os.environ) -> JobDefaults:
    """Return what the user's own file says of jobs; raises InvalidSettings."""
    path = settings_file(environ)
    return JobDefaults.of(_table(path), str(path))


def settings_file(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the path of the user's settings file, which need not exist.

    Where the user has no home folder it lies in ``FLOTILLA_HOME``; raises InvalidSettings if that
    is not set either.
    """
    given = environ.get("FLOTILLA_CONFIG")
    if given:
        return Path(given)
    try:
        return _of_user(user_config_path) / "flotilla.toml"
    except InvalidSettings:
        home = environ.get("FLOTILLA_HOME")
        if not home:
            raise
        return Path(home) / "flotilla.toml"


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings in force.

    Raises
    ------
    InvalidSettings
        If the file is not TOML, or a name or value in it or in the environment is wrong.
    """
    values = {name: value for name, value, _ in _given(environ)}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, environ) from error
    return settings.model_copy(update={"home": _absolute(settings.home, environ)})


def sourced_settings(environ: Mapping[str, str] = os.environ) -> list[Sourced]:
    """Return each setting with where it came from; raises as `load_settings`."""
    settings = load_settings(environ)
    sources = {name: source for name, _, source in _given(environ)}
    return [
        Sourced(name=name, value=getattr(settings, name), source=sources.get(name, "default"))
        for name in Settings.model_fields
    ]


def _of_user(folder: Callable[[str], Path]) -> Path:
    """Return a folder of ours in the user's own; raises InvalidSettings where there is none."""
    try:
        path = folder("flotilla")
        if path.is_absolute():  # some versions of platformdirs leave a tilde as it is
            return path
    except RuntimeError:
        pass
    raise InvalidSettings(
        f"this user (uid {os.getuid()}) has no home folder: HOME is not set, and the system does "
        "not know the user",
        next_step="set FLOTILLA_HOME to a folder of yours, e.g. /data/flotilla; for notebooks HOME "
        "as well, which Jupyter needs",
    )


def _absolute(home: Path, environ: Mapping[str, str]) -> Path:
    try:
        expanded = home.expanduser()
    except RuntimeError:
        expanded = home
    if expanded.is_absolute():
        return expanded
    source = next((s for n, _, s in reversed(_given(environ)) if n == "home"), "default")
    raise InvalidSettings(
        f"{source}: home = {str(home)!r} is no absolute path, and would be another folder for "
        "each process",
        next_step="write the whole path, e.g. ~/flotilla",
    )


def _given(environ: Mapping[str, str]) -> list[tuple[str, Any, str]]:
    """Return (name, value, source), the weaker first."""
    path = settings_file(environ)
    given = [
        (name, value, str(path)) for name, value in _table(path).items() if name not in _OF_JOBS
    ]
    for name in Settings.model_fields:
        variable = f"FLOTILLA_{name.upper()}"
        if environ.get(variable):
            given.append((name, environ[variable], variable))
    return given


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise InvalidSettings(
            f"{path} cannot be read as TOML: {error}", next_step="mend or remove that file"
        ) from error


def _explained(error: ValidationError, environ: Mapping[str, str]) -> InvalidSettings:
    first = error.errors()[0]
    name = str(first["loc"][0])
    source = next((s for n, _, s in reversed(_given(environ)) if n == name), "?")
    known = ", ".join(Settings.model_fields)
    return InvalidSettings(
        f"{source}: {name} = {first['input']!r}: {first['msg']}",
        next_step=f"the settings are {known}; 'jupyter flotilla config' explains them",
    )
