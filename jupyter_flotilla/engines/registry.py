"""Finds engines by name; ours come the same way as anyone's."""

from importlib.metadata import entry_points

from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import EngineUnavailable, UnknownEngine
from jupyter_flotilla.settings import Settings

GROUP = "jupyter_flotilla.engines"


def engine_names() -> list[str]:
    """Return the names of the installed engines, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def open_engine(name: str, settings: Settings) -> Engine:
    """Return the engine of that name.

    Raises
    ------
    UnknownEngine
        If none is installed under that name.
    EngineUnavailable
        If its package cannot be imported.
    """
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if not points:
        known = engine_names()
        raise UnknownEngine(
            f"there is no engine {name!r}",
            next_step=f"--engine {' or '.join(known)}" if known else "reinstall jupyter_flotilla",
        )
    try:
        factory = points[0].load()
    except ImportError as error:
        raise EngineUnavailable(
            f"engine {name!r} cannot be loaded: {error}",
            next_step=f"pip install 'jupyter_flotilla[{name}]'",
        ) from error
    engine = factory(settings)
    assert isinstance(engine, Engine)
    return engine
