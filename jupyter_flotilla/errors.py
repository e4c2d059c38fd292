"""Every error that Flotilla raises on purpose.

::

    FlotillaError
    ├── UsageError                 what was asked cannot be done as asked (exit code 2)
    │   ├── InvalidOption
    │   ├── InvalidNotebook
    │   ├── UnknownParameter
    │   ├── UnknownKernel
    │   ├── UnknownEngine
    │   ├── UnsendableInput
    │   ├── RunNotFound
    │   ├── AmbiguousRun
    │   ├── ScheduleNotFound
    │   └── ScheduleChanged
    ├── Refused                    it could be done, but not without consent (exit code 3)
    ├── EnvironmentProblem         this machine or installation is in the way (exit code 2)
    │   ├── InvalidSettings
    │   ├── UnsupportedPlatform
    │   ├── NoServer
    │   ├── NotTold
    │   ├── StoreUnreadable
    │   ├── StoreTooNew
    │   ├── DiskFull
    │   ├── SecretUnavailable
    │   ├── UnresolvedPackages
    │   ├── ArtifactsUnavailable
    │   ├── SourceUnavailable
    │   ├── EngineUnavailable
    │   ├── CloudBehind
    │   └── LaunchError
    ├── InvalidTransition          a bug of ours: an arrow that does not exist
    ├── WaitTimeout                the run goes on, the waiting does not (exit code 1)
    └── RunFailed                  the job itself ended badly (exit code 1)
        └── RunCancelled

Messages are for people: what was wrong, with the value, and what to do next. ``code`` is for
programs and never changes.
"""

from typing import ClassVar


class FlotillaError(Exception):
    """Anything that Flotilla refuses or fails to do."""

    #: Stable word for programs, as it travels to a front end.
    code: ClassVar[str] = "error"
    #: What the command line exits with.
    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, next_step: str | None = None) -> None:
        super().__init__(message if next_step is None else f"{message}\n  Next: {next_step}")
        #: What was wrong, with the value.
        self.message = message
        #: What the user can do about it, where we know.
        self.next_step = next_step


class UsageError(FlotillaError):
    """What was asked cannot be done as asked."""

    code = "usage"


class InvalidOption(UsageError):
    """An option has a value that means nothing, or one that this engine cannot honour."""

    code = "invalid-option"


class InvalidNotebook(UsageError):
    """A file is missing, unreadable or not a notebook."""

    code = "invalid-notebook"


class UnknownParameter(UsageError):
    """A parameter that the notebook does not have, or a value of another type."""

    code = "unknown-parameter"


class UnknownKernel(UsageError):
    """No kernelspec of that name or language is installed."""

    code = "unknown-kernel"


class UnknownEngine(UsageError):
    """No engine of that name is installed."""

    code = "unknown-engine"


class UnsendableInput(UsageError):
    """A cell needs what cannot be sent with it, or what is not there."""

    code = "unsendable-input"


class RunNotFound(UsageError):
    """No run has that id, id prefix or name."""

    code = "run-not-found"


class AmbiguousRun(UsageError):
    """Several runs begin with that prefix."""

    code = "ambiguous-run"


class ScheduleNotFound(UsageError):
    """No schedule has that name, id or id prefix."""

    code = "schedule-not-found"


class ScheduleChanged(UsageError):
    """Somebody else has edited the schedule since it was read."""

    code = "schedule-changed"


class Refused(FlotillaError):
    """It could be done, but needs a consent that was not given."""

    code = "refused"
    exit_code = 3


class EnvironmentProblem(FlotillaError):
    """This machine or installation is in the way."""

    code = "environment"


class InvalidSettings(EnvironmentProblem):
    """The settings file or a ``FLOTILLA_*`` variable cannot be used."""

    code = "invalid-settings"


class UnsupportedPlatform(EnvironmentProblem):
    """Flotilla does not run on this operating system."""

    code = "unsupported-platform"


class NoServer(EnvironmentProblem):
    """No Jupyter server of the user's is running."""

    code = "no-server"


class NotTold(EnvironmentProblem):
    """A message was not taken by whom it was sent to."""

    code = "not-told"


class StoreUnreadable(EnvironmentProblem):
    """The store's file cannot be opened, read or written."""

    code = "store-unreadable"


class StoreTooNew(EnvironmentProblem):
    """The store was written by a newer major version."""

    code = "store-too-new"


class DiskFull(EnvironmentProblem):
    """There is no room where something had to be written."""

    code = "disk-full"


class SecretUnavailable(EnvironmentProblem):
    """A secret cannot be read from where it was said to be."""

    code = "secret-unavailable"


class UnresolvedPackages(EnvironmentProblem):
    """The packages that a job needs cannot be had for the Python that will run it."""

    code = "unresolved-packages"


class ArtifactsUnavailable(EnvironmentProblem):
    """What belongs to a run cannot be brought to or from where it is kept."""

    code = "artifacts-unavailable"


class SourceUnavailable(EnvironmentProblem):
    """The repository that a job comes from cannot be reached, or does not answer."""

    code = "source-unavailable"


class EngineUnavailable(EnvironmentProblem):
    """The engine exists but cannot be used here and now."""

    code = "engine-unavailable"


class CloudBehind(EnvironmentProblem):
    """A schedule is saved here, and the cloud does not have it yet as it is saved."""

    code = "cloud-behind"


class LaunchError(EnvironmentProblem):
    """An engine could not start an attempt."""

    code = "launch-failed"

    def __init__(
        self, message: str, *, retryable: bool = False, next_step: str | None = None
    ) -> None:
        super().__init__(message, next_step=next_step)
        #: True where the same launch may succeed a little later.
        self.retryable = retryable


class InvalidTransition(FlotillaError):
    """A move that ``TRANSITIONS`` does not have."""

    code = "invalid-transition"


class WaitTimeout(FlotillaError):
    """The waiting ended before the run did; the run goes on."""

    code = "wait-timeout"
    exit_code = 1


class RunFailed(FlotillaError):
    """The job ended badly; the message says why, with evidence and what to do next."""

    code = "run-failed"
    exit_code = 1


class RunCancelled(RunFailed):
    """The job was cancelled before it ended by itself."""

    code = "run-cancelled"
