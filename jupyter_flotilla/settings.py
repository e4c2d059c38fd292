"""What the user has set: one answer for kernel, server, command line and dispatcher.

Sources, the stronger first: ``FLOTILLA_*`` in the environment, the user's ``flotilla.toml``,
defaults. Settings of a dispatcher are the user's alone: it serves many projects.
"""

import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from jupyter_flotilla.ecs_settings import EcsSettings
from jupyter_flotilla.errors import InvalidSettings

#: Tables of the settings file that are about jobs: `JobDefaults`.
_OF_JOBS = frozenset({"defaults", "profiles"})
#: The table of settings that is a value of its own; its parts are called ``ecs.cluster``.
_ECS = "ecs"
#: The table of who can be told; its addresses have passwords in them.
_NOTIFY = "notify"


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
    notify: tuple[tuple[str, SecretStr], ...] = Field(
        default=(),
        description="Targets of --notify: name = address (apprise's), keyring:SERVICE/USER or "
        "file:/path of one.",
    )
    ecs: EcsSettings = Field(default=EcsSettings(), description="Jobs on AWS ECS.")

    @field_validator("notify", mode="before")
    @classmethod
    def _pairs(cls, table: Any) -> Any:
        return tuple(table.items()) if isinstance(table, dict) else table


@dataclass(frozen=True, kw_only=True, slots=True)
class Sourced:
    """A setting and where its value came from."""

    name: str
    value: Any
    #: ``default``, the settings file's path, or the environment variable.
    source: str
    #: What it is for.
    description: str


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
    values: dict[str, Any] = {}
    for name, value, _ in _given(environ):
        table, _, inner = name.rpartition(".")
        (values.setdefault(table, {}) if table else values)[inner] = value
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, environ) from error
    return settings.model_copy(update={"home": _absolute(settings.home, environ)})


def sourced_settings(environ: Mapping[str, str] = os.environ) -> list[Sourced]:
    """Return each setting with where it came from; raises as `load_settings`."""
    settings = load_settings(environ)
    sources = {name: source for name, _, source in _given(environ)}
    inner = {f"{_ECS}.{name}": (settings.ecs, name) for name in EcsSettings.model_fields}
    outer = {name: (settings, name) for name in Settings.model_fields if name != _ECS}
    return [
        Sourced(
            name=name,
            value=_names_of(settings.notify) if name == _NOTIFY else getattr(owner, field),
            source=sources.get(name, "default"),
            description=type(owner).model_fields[field].description or "",
        )
        for name, (owner, field) in (outer | inner).items()
    ]


def _names_of(targets: Sequence[tuple[str, SecretStr]]) -> str | None:
    """Return the names of those who can be told, without their addresses; None: nobody can."""
    return ", ".join(name for name, _ in targets) or None


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
    """Return (name, value, source), the weaker first; those of ``[ecs]`` one by one."""
    path = settings_file(environ)
    given: list[tuple[str, Any, str]] = []
    for name, value in _table(path).items():
        if name == _ECS and isinstance(value, dict):
            given += [(f"{_ECS}.{inner}", one, str(path)) for inner, one in value.items()]
        elif name not in _OF_JOBS:
            given.append((name, value, str(path)))
    for name in _names():
        variable = f"FLOTILLA_{name.replace('.', '_').upper()}"
        if environ.get(variable):
            given.append((name, environ[variable], variable))
    return given


def _names() -> list[str]:
    """Return what a variable can set: all but tables."""
    outer = [name for name in Settings.model_fields if name not in (_ECS, _NOTIFY)]
    tables = ("networks", "roles")
    return outer + [f"{_ECS}.{n}" for n in EcsSettings.model_fields if n not in tables]


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
    loc = [str(part) for part in first["loc"]]
    name, fields = loc[0], list(Settings.model_fields)
    if name == _ECS and len(loc) > 1:
        name, fields = f"{_ECS}.{loc[1]}", list(EcsSettings.model_fields)
    source = next((s for n, _, s in reversed(_given(environ)) if n == name), "?")
    # of one in a list, which: ecs.networks.0.subnets
    whole = ".".join(loc)
    of = f" of [{_ECS}]" if name != loc[0] else ""
    # of an address nothing is repeated
    value = "" if name == _NOTIFY else f" = {first['input']!r}"
    return InvalidSettings(
        f"{source}: {whole}{value}: {first['msg']}",
        next_step=f"the settings{of} are {', '.join(fields)}; 'jupyter flotilla config' explains "
        "them",
    )
