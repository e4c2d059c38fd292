"""What was frozen for one engine → the same for another, where jobs run from an image on both."""

from typing import Any

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.resources import Resources


def moved(spec: JobSpec, before: Engine, engine: Engine) -> tuple[JobSpec, tuple[str, ...]]:
    """Return a job of one engine as another's, and what the user should know of that.

    It keeps its image, unless that was only what the first engine uses where none is asked for. A
    network and a role are names of that engine's, and are left behind.

    Raises
    ------
    InvalidOption
        If one of them runs jobs on this machine itself, whose files and packages others have not;
        or the job needs what the other cannot give.
    EngineUnavailable
        If the other cannot be used.
    """
    if before.is_here or engine.is_here:
        raise InvalidOption(
            f"--engine {engine.name}: what was frozen for {before.name} runs there only, because "
            "jobs of one of them have this machine's own files and packages",
            next_step=f"submit the job anew: jupyter flotilla run --engine {engine.name} …",
        )
    resources, notes = _size(spec.resources, engine)
    notes += [
        f"--{name} {value} was a name on {before.name}: left out; say it anew for {engine.name}"
        for name, value in (("network", spec.network), ("role", spec.role))
        if value is not None
    ]
    update: dict[str, Any] = {
        "engine": engine.name,
        "place": engine.find_place(),
        "bucket": engine.bucket,
        "image": engine.image if spec.image in (None, before.image) else spec.image,
        "network": None,
        "role": None,
        "resources": resources,
        "timeout_s": spec.timeout_s or engine.default_timeout_s,
    }
    return spec.model_copy(update=update), (f"frozen for {before.name}", *notes)


def _size(asked: Resources, engine: Engine) -> tuple[Resources, list[str]]:
    """Return what an engine can give of what was asked for, and what it cannot."""
    update: dict[str, Any] = {}
    if asked.memory_mib is None:
        update["memory_mib"] = engine.default_resources.memory_mib
    if asked.gpu and "gpu" not in engine.honours:
        raise InvalidOption(
            f"--gpu {asked.gpu}: jobs of engine {engine.name} have none",
            next_step="retry it where it ran",
        )
    left = []
    usual = Resources()
    for name, option in (("spot", "spot"), ("arch", "arch"), ("disk_gib", "disk")):
        if option not in engine.honours and getattr(asked, name) != getattr(usual, name):
            update[name] = getattr(usual, name)
            left.append(f"--{option} is left out: jobs of engine {engine.name} cannot have that")
    return asked.model_copy(update=update), left
