"""A job that is ready to be submitted, and what it is made of here."""

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.environ import job_environment
from jupyter_flotilla.errors import InvalidOption, SecretUnavailable
from jupyter_flotilla.model.job import JobSpec, OnOom, SecretRef
from jupyter_flotilla.model.options import OPTIONS, JobOptions, read_on_oom
from jupyter_flotilla.model.publish import published_files
from jupyter_flotilla.model.resources import INCLUDED_DISK_GIB, Resources

#: Name of ``Draft.modules`` among a run's input.
MODULES = "modules.zip"
#: Name of ``Draft.layer`` among it.
LAYER = "layer.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Code:
    """What of a job says which packages it needs."""

    #: Python text, cell by cell or whole; magics may be in it.
    sources: tuple[str, ...] = ()
    #: Modules that are imported besides: by values that travel, or by name.
    modules: frozenset[str] = frozenset()
    #: Files of local modules that travel, by their place.
    local: Mapping[str, Path] = field(default_factory=dict)
    #: Names of values that only load in this very minor version of Python.
    pickled: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """A job, frozen but not yet submitted."""

    spec: JobSpec
    #: Content of ``spec.source``; None for a command.
    source: bytes | None = None
    #: Files to copy, by their path relative to ``spec.cwd``.
    files: Mapping[str, Path] = field(default_factory=dict)
    #: Folder of values that travel as typed files; its owner deletes it after the submit.
    values: Path | None = None
    #: Local modules as a zip file, their layout kept; None: none.
    modules: bytes | None = None
    code: Code = Code()
    #: The layer of packages that it runs on, as `provision` writes it; None: it needs none.
    layer: bytes | None = None
    #: Sentences that the user should read before the launch.
    notes: tuple[str, ...] = ()

    def parts(self) -> dict[str, bytes]:
        """Return what is frozen of it besides files and values, by its name among a run's input."""
        named = {self.spec.source: self.source, MODULES: self.modules, LAYER: self.layer}
        return {name: part for name, part in named.items() if name and part is not None}


def common_fields(options: JobOptions, *, cwd: Path, engine: Engine) -> dict[str, Any]:
    """Return the fields of a JobSpec that every kind of job fills alike.

    Raises
    ------
    InvalidOption
        For an option that this engine cannot honour.
    """
    check_honoured(options, engine)
    resources = engine.enlarged(asked_resources(options, engine.default_resources))
    inherited = job_environment(os.environ) if engine.is_here else {}
    return {
        "cwd": str(cwd),
        "own_cwd": bool(options.files),
        "interpreter": sys.executable,
        "fetch": (*options.fetch, *published_files(options.publish)),
        "env": inherited | chosen_environment(options.env),
        "umask": _umask(),
        "secrets": secret_refs(options.secrets),
        "tags": options.tags,
        "notify": options.notify,
        "publish": options.publish,
        "resources": resources,
        "image": options.image or engine.image,
        "network": options.network,
        "role": options.role,
        "bucket": engine.bucket,
        "has_cpu_hint": options.cpu is not None,
        "timeout_s": options.timeout_s or engine.default_timeout_s,
        "max_cost_usd": options.max_cost_usd,
        "retries": options.retries or 0,
        "on_oom": on_oom_of(options.on_oom, resources.memory_mib),
        "engine": engine.name,
        "place": engine.find_place(),
    }


def asked_resources(options: JobOptions, otherwise: Resources) -> Resources:
    """Return what the options ask for; where they say nothing, what it is otherwise."""
    asked: dict[str, Any] = {
        "cpu": options.cpu, "memory_mib": options.memory_mib, "gpu": options.gpu,
        "spot": options.spot, "arch": options.arch,
    }  # fmt: skip
    update = {name: value for name, value in asked.items() if value is not None}
    if options.disk_gib is not None:
        is_more = options.disk_gib > INCLUDED_DISK_GIB
        update["disk_gib"] = options.disk_gib if is_more else None
    return otherwise.model_copy(update=update)


def check_honoured(options: JobOptions, engine: Engine) -> None:
    """Raise InvalidOption for an option that an engine's jobs cannot have."""
    for option in OPTIONS:
        if option.is_of_some and option.py not in engine.honours and getattr(options, option.rest):
            raise InvalidOption(
                f"--{option.name}: jobs of engine {engine.name} cannot have that",
                next_step=f"--engine {option.engine_hint}, or leave it out",
            )


def secret_refs(secrets: Mapping[str, str]) -> tuple[SecretRef, ...]:
    """Return where secrets are read at launch; a file must be there, and readable, already now.

    Raises
    ------
    SecretUnavailable
    """
    return tuple(SecretRef(name=n, source=_secret_source(n, s)) for n, s in secrets.items())


def _secret_source(name: str, source: str) -> str:
    scheme, _, address = source.partition(":")
    if scheme != "file":
        return source
    path = Path(address).expanduser().absolute()  # the job is launched from another folder
    if not path.is_file() or not os.access(path, os.R_OK):
        raise SecretUnavailable(
            f"secret {name}: {path} is no file that can be read",
            next_step=f"write the value into {path}, readable by you alone (chmod 600)",
        )
    return f"file:{path}"


def secret_notes(refs: Iterable[SecretRef]) -> Iterator[str]:
    """Yield what the user should know of where their secrets lie."""
    for ref in refs:
        path = Path(ref.source.partition(":")[2])
        if ref.source.startswith("file:") and path.is_file() and path.stat().st_mode & 0o077:
            yield f"secret {ref.name}: others can read {path}; chmod 600 {shlex.quote(str(path))}"


def on_oom_of(text: str | None, memory_mib: int | None) -> OnOom | None:
    """Return what ``--on-oom`` means; raises InvalidOption where there is nothing to double."""
    on_oom = None if text is None else read_on_oom(text)
    if on_oom is not None and memory_mib is None:
        raise InvalidOption(
            f"--on-oom {text} has nothing to double: there is no memory limit",
            next_step=f"--memory 4G --on-oom {text}",
        )
    return on_oom


def _umask() -> int:
    # There is no way to only read it (umask(2)); nobody writes a file in between.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def chosen_environment(env: Mapping[str, str | None]) -> dict[str, str]:
    """Return the variables of ``--env``, copied from here where no value was given."""
    chosen = {}
    for name, value in env.items():
        if value is None and name not in os.environ:
            raise InvalidOption(
                f"--env {name}: there is no variable {name} here to copy",
                next_step=f"--env {name}=VALUE",
            )
        chosen[name] = os.environ[name] if value is None else value
    return chosen
