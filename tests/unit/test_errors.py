"""`errors`: codes, exit codes and words."""

import pytest

from jupyter_flotilla import errors

#: class → (code, exit code); programs count on them.
PINNED = {
    "FlotillaError": ("error", 2),
    "UsageError": ("usage", 2),
    "InvalidOption": ("invalid-option", 2),
    "InvalidNotebook": ("invalid-notebook", 2),
    "UnknownParameter": ("unknown-parameter", 2),
    "UnknownKernel": ("unknown-kernel", 2),
    "UnknownEngine": ("unknown-engine", 2),
    "UnsendableInput": ("unsendable-input", 2),
    "RunNotFound": ("run-not-found", 2),
    "AmbiguousRun": ("ambiguous-run", 2),
    "ScheduleNotFound": ("schedule-not-found", 2),
    "ScheduleChanged": ("schedule-changed", 2),
    "Refused": ("refused", 3),
    "EnvironmentProblem": ("environment", 2),
    "InvalidSettings": ("invalid-settings", 2),
    "UnsupportedPlatform": ("unsupported-platform", 2),
    "NoServer": ("no-server", 2),
    "NotTold": ("not-told", 2),
    "StoreUnreadable": ("store-unreadable", 2),
    "StoreTooNew": ("store-too-new", 2),
    "DiskFull": ("disk-full", 2),
    "SecretUnavailable": ("secret-unavailable", 2),
    "UnresolvedPackages": ("unresolved-packages", 2),
    "ArtifactsUnavailable": ("artifacts-unavailable", 2),
    "SourceUnavailable": ("source-unavailable", 2),
    "EngineUnavailable": ("engine-unavailable", 2),
    "CloudBehind": ("cloud-behind", 2),
    "LaunchError": ("launch-failed", 2),
    "InvalidTransition": ("invalid-transition", 2),
    "WaitTimeout": ("wait-timeout", 1),
    "RunFailed": ("run-failed", 1),
    "RunCancelled": ("run-cancelled", 1),
}


def all_errors(root=errors.FlotillaError):
    return [root, *(leaf for child in root.__subclasses__() for leaf in all_errors(child))]


@pytest.mark.parametrize("name", PINNED)
def test_code_and_exit_code_never_change(name):
    kind = getattr(errors, name)

    assert (kind.code, kind.exit_code) == PINNED[name]


def test_no_error_is_missing_from_this_table():
    ours = {kind.__name__ for kind in all_errors() if kind.__module__ == errors.__name__}

    assert ours == set(PINNED)


def test_no_two_errors_share_a_code():
    codes = [code for code, _ in PINNED.values()]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("name", PINNED)
def test_errors_tree_in_the_docstring_names_every_error(name):
    assert name in errors.__doc__


def test_next_step_is_on_a_line_of_its_own():
    error = errors.InvalidOption("'16' is not a size", next_step="write 16G")

    assert str(error) == "'16' is not a size\n  Next: write 16G"


def test_message_stands_alone_where_no_step_is_known():
    error = errors.RunFailed("Cell 2 failed: <b>'é'</b>")

    assert str(error) == error.message == "Cell 2 failed: <b>'é'</b>"
    assert error.next_step is None


def test_a_cancelled_run_is_caught_as_a_failed_one():
    assert issubclass(errors.RunCancelled, errors.RunFailed)


@pytest.mark.parametrize("retryable", [True, False], ids=["retryable", "not retryable"])
def test_launch_error_says_whether_to_try_again(retryable):
    error = errors.LaunchError("no processes left", retryable=retryable, next_step="wait")

    assert error.retryable is retryable


def test_launch_error_is_not_retryable_unless_said():
    assert errors.LaunchError("no such image").retryable is False
