"""Keeps the cloud in step with what is saved, edited, paused and deleted here."""

from collections.abc import Callable
from contextlib import suppress

from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.dispatch.adopter import Adopter, expect
from jupyter_flotilla.errors import CloudBehind, FlotillaError
from jupyter_flotilla.machine import host
from jupyter_flotilla.model.schedule import Schedule
from jupyter_flotilla.scheduling.cloud import CloudTicks
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import schedules

#: How long it is waited for a dispatcher that is at the same schedule.
_PATIENCE_S = 30.0


class Placing:
    """What the façade of schedules does in the cloud; nothing for what runs here."""

    def __init__(self, flotilla: Flotilla) -> None:
        self._flotilla = flotilla
        self._cloud = CloudTicks(flotilla)

    def check(self, schedule: Schedule) -> None:
        """Say why a schedule cannot be in the cloud; raises InvalidOption, EngineUnavailable."""
        if schedule.where == "cloud":
            self._cloud.check(schedule)

    def before_change(self, schedule: Schedule) -> None:
        """Write down what is awaited so far: it stays so, whatever is changed. Asks nobody.

        Raises
        ------
        InvalidOption
            If another home has it in the cloud, under its own names.
        """
        self._cloud.check_own(schedule)
        expect(self._flotilla.store, schedule.id, utc_now())

    def new(self, schedule: Schedule, delete: Callable[[Schedule], None]) -> None:
        """Bring a schedule that was just saved into the cloud; where that fails, delete it.

        Raises
        ------
        CloudBehind
            If it cannot be deleted either: what AWS may have of it must not be forgotten.
        FlotillaError
            If AWS does not take it, or cannot be asked: nothing of it is left.
        """
        if schedule.is_placed:
            return
        try:
            self._place(schedule)
        except BaseException as error:
            try:
                delete(schedule)
            except FlotillaError as left:
                raise CloudBehind(
                    f"AWS may have {schedule.name} or not: {error}; so it stays here, paused, and "
                    f"AWS cannot be told to forget it: {left}",
                    next_step=f"jupyter flotilla schedule rm {schedule.name}, once AWS answers",
                ) from error
            raise

    def changed(self, schedule: Schedule) -> None:
        """Bring the cloud to what was just saved; raises CloudBehind."""
        if schedule.is_placed:
            return
        try:
            self._place(schedule)
        except (FlotillaError, OSError) as error:
            raise CloudBehind(
                f"schedule {schedule.name} is saved as revision {schedule.revision}, but AWS still "
                f"has the one before: {error}",
                next_step="nothing: a dispatcher tries it again every minute",
            ) from error

    def take_over(self, schedule: Schedule) -> None:
        """Take over what has begun, as far as that can be known now, before all is deleted."""
        if schedule.placed is None:
            return
        adopter = Adopter(self._flotilla.store, self._cloud, host())
        with suppress(FlotillaError, OSError), self._cloud.alone(schedule, _PATIENCE_S):
            while (again_at := adopter.look(schedule.id, now := utc_now())) is not None:
                if again_at > now:
                    return

    def take_out(self, schedule: Schedule) -> None:
        """Take a schedule from the cloud, before it is deleted: paused first, whatever happens.

        Raises
        ------
        EnvironmentProblem
            If AWS cannot be told: it is paused, and a repeat goes on.
        """
        if schedule.where == "here" and schedule.placed is None:
            return
        with self._flotilla.store.write() as tx:
            schedules.pause_for_good(tx, schedule.id, utc_now())
        with self._cloud.alone(schedule, _PATIENCE_S):
            self._cloud.remove(schedule)

    def _place(self, schedule: Schedule) -> None:
        with self._cloud.alone(schedule, _PATIENCE_S):
            self._cloud.place(schedule)
