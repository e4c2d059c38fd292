"""A schedule as it would be saved."""

from dataclasses import dataclass

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.model.schedule import Schedule
from jupyter_flotilla.planning import Plan


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A schedule that is ready to be saved, and what it would cost."""

    schedule: Schedule
    #: The job of its next run.
    draft: Draft
    plan: Plan
    #: How many ticks there are in the 30 days from now; None: it is not by the clock.
    runs_a_month: int | None
    #: True where a snapshot has to be written.
    is_fresh: bool

    @property
    def ceiling_a_month_usd(self) -> float | None:
        """What its runs cannot exceed in 30 days, in US dollars; None: nothing limits it."""
        each, count = self.plan.ceiling_usd, self.runs_a_month
        together = None if each is None or count is None else each * count
        limits = [usd for usd in (self.schedule.rules.month_usd, together) if usd is not None]
        return min(limits, default=None)
