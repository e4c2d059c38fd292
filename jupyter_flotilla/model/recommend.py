"""How much memory a job would have done with, by its own past. Pure."""

from collections.abc import Callable, Sequence

from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.cost import Rate
from jupyter_flotilla.model.guard import MIN_HISTORY
from jupyter_flotilla.model.resources import DEFAULT_MEMORY_MIB, Resources, fargate_size
from jupyter_flotilla.model.units import format_size, size_option

#: Room above the highest peak: the next run may need a little more.
HEADROOM = 1.25
#: Below this share of the price a change is not worth a word.
_LEAST_SAVED = 0.05


class Recommendation(Stored):
    """A smaller size that would do."""

    memory_mib: int
    #: The most that any of ``runs`` runs has used.
    peak_mib: float
    runs: int
    #: Share of the price that it saves, from 0 to 1.
    saves: float

    @property
    def memory(self) -> str:
        """The memory as people write it."""
        return size_option(self.memory_mib)

    @property
    def text(self) -> str:
        """Why, in a sentence."""
        return (
            f"the last {self.runs} runs peaked at {format_size(self.peak_mib)}: {self.memory} "
            f"would do, and saves {self.saves * 100:.0f} %"
        )


def recommendation(
    peaks_mib: Sequence[float],
    resources: Resources,
    rate_of: Callable[[Resources], Rate | None],
) -> Recommendation | None:
    """Return less memory that would have done for all of these runs; None where none is cheaper.

    Parameters
    ----------
    peaks_mib
        The most memory that each of the latest runs has used.
    rate_of
        Price of a size.
    """
    if len(peaks_mib) < MIN_HISTORY or resources.gpu:
        return None
    peak = max(peaks_mib)
    asked_mib = resources.memory_mib or DEFAULT_MEMORY_MIB
    enough = resources.model_copy(update={"memory_mib": max(1, round(peak * HEADROOM))})
    size = fargate_size(enough)
    if size is None or size.memory_mib >= asked_mib:
        return None
    smaller = resources.model_copy(update={"memory_mib": size.memory_mib})
    before, after = rate_of(resources), rate_of(smaller)
    if before is None or after is None or before.usd_per_h <= 0:
        return None
    saves = 1 - after.usd_per_h / before.usd_per_h
    if saves < _LEAST_SAVED:
        return None
    return Recommendation(
        memory_mib=size.memory_mib, peak_mib=peak, runs=len(peaks_mib), saves=round(saves, 4)
    )
