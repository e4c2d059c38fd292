"""Keeps the cloud in step with what is saved, edited, paused and deleted here."""

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.adopter import Adopter
from jupyter_flotilla.errors import CloudBehind, FlotillaError
from jupyter_flotilla.model.schedule import Schedule
from jupyter_flotilla.scheduling.cloud import CloudTicks
from jupyter_flotilla.service import Flotilla


class Placing:
    """What the façade of schedules does in the cloud; nothing for what runs here."""

    def __init__(self, flotilla: Flotilla) -> None:
        self._flotilla = flotilla
        self._cloud = CloudTicks(flotilla)

    def check(self, schedule: Schedule) -> None:
        """Say why a schedule cannot be in the cloud; raises InvalidOption, EngineUnavailable."""
        if schedule.where == "cloud":
            self._cloud.check(schedule)

    def take_over(self, schedule: Schedule) -> None:
        """Take over what has begun so far: what comes next is of another schedule, or of none.

        Raises
        ------
        EnvironmentProblem
            If AWS cannot be asked: nothing is to be changed then.
        """
        if schedule.where == "cloud" and schedule.paused_at is None:
            Adopter(self._flotilla.store, self._cloud).look(schedule, utc_now())

    def new(self, schedule: Schedule) -> None:
        """Bring a schedule that was just saved into the cloud; raises EnvironmentProblem."""
        if not schedule.is_placed:
            self._place(schedule)

    def changed(self, schedule: Schedule) -> None:
        """Bring the cloud to what was just saved; raises CloudBehind."""
        if schedule.is_placed:
            return
        try:
            self._place(schedule)
        except FlotillaError as error:
            raise CloudBehind(
                f"schedule {schedule.name} is saved as revision {schedule.revision}, but AWS still "
                f"has the one before: {error}",
                next_step="nothing: a dispatcher tries it again every minute",
            ) from error

    def take_out(self, schedule: Schedule) -> None:
        """Take a schedule from the cloud, before it is deleted; raises EnvironmentProblem."""
        if schedule.where == "cloud" or schedule.placed is not None:
            with self._cloud.alone():
                self._cloud.remove(schedule)

    def _place(self, schedule: Schedule) -> None:
        with self._cloud.alone():
            self._cloud.place(schedule)
