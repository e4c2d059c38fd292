"""What people mean by an ID: a run, or all runs of a grid."""

from jupyter_flotilla.model.run import Run
from jupyter_flotilla.run_set import RunSet, open_grid
from jupyter_flotilla.service import Flotilla


def find_runs(facade: Flotilla, reference: str) -> list[Run]:
    """Return the run, or the runs of the grid; raises RunNotFound, AmbiguousRun."""
    grid = facade.find_grid(reference)
    return [facade.find(reference)] if grid is None else facade.grid_runs(grid.id)


def find_set(facade: Flotilla, reference: str) -> RunSet | None:
    """Return the runs of a grid; None where no grid is meant."""
    grid = facade.find_grid(reference)
    return None if grid is None else open_grid(facade, grid)
