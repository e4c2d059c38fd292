"""`model.base` and `model.observation`: how values bear change and strangers."""

import pytest
from pydantic import ValidationError

from jupyter_flotilla.model.base import Stored, Value
from jupyter_flotilla.model.observation import Ending, FailureKind, Observation, Phase


class Asked(Value):
    """A value that comes from outside."""

    size: int


class Kept(Stored):
    """A value that is read back."""

    size: int


@pytest.mark.parametrize("kind", [Asked, Kept])
def test_values_cannot_be_changed(kind):
    value = kind(size=1)

    with pytest.raises(ValidationError, match="frozen"):
        value.size = 2


def test_value_refuses_a_field_it_does_not_know():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Asked.model_validate({"size": 1, "siez": 2})


def test_stored_value_reads_what_a_newer_version_wrote():
    assert Kept.model_validate({"size": 1, "invented_later": [1]}) == Kept(size=1)


def test_failure_kinds_are_these_words():
    assert [kind.value for kind in FailureKind] == [
        "user-error",
        "out-of-memory",
        "timeout",
        "cost-cap",
        "spot-reclaimed",
        "lost",
        "image",
        "environment",
        "quota",
        "infrastructure",
    ]


def test_phases_are_these_words():
    assert [phase.value for phase in Phase] == [
        "uploading",
        "waiting-for-capacity",
        "pulling",
        "setting-up",
        "running",
        "saving",
        "unconfirmed",
    ]


def test_ending_refuses_a_word_that_is_no_outcome(now):
    with pytest.raises(ValidationError, match="outcome"):
        Ending(outcome="stopped", ended_at=now, duration_s=1)


def test_observation_refuses_a_word_that_is_no_state():
    with pytest.raises(ValidationError, match="state"):
        Observation(state="STOPPED")
