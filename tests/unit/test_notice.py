"""Who is told of a run, when, and in which words."""

from datetime import timedelta

import pytest
from witness import NOW

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.notice import Occasion, body, occasion_of, read_notify, title, wishes
from jupyter_flotilla.model.run import Run, RunStatus

SPEC = JobSpec(kind="command", name="train", command=("true",), cwd="/", interpreter="python",
               engine="process", place="here")  # fmt: skip


def _ended(status: RunStatus, kind: str | None = None, message: str | None = None) -> Run:
    run = Run(id="r0123456789ab", spec=SPEC, owner="me", created_at=NOW)
    for one in (RunStatus.PENDING, RunStatus.RUNNING):
        run = run.advance(one, NOW)
    return run.advance(status, NOW + timedelta(minutes=3), failure_kind=kind, message=message)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("team", ("team:success,failure,slow,late",)),
        (["a:failure", "b: Slow , success"], ("a:failure", "b:success,slow")),
        (("desktop:late",), ("desktop:late",)),
    ],
)
def test_wishes_are_written_in_many_forms_and_kept_in_one(written, read):
    assert read_notify(written) == read
    assert read_notify(read) == read


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("te am", "'te am' is no name of a target"),
        ("", "'' is no name"),
        ("team:", "no occasion ''"),
        ("team:sucess", "no occasion 'sucess'"),
        (["<script>"], "'<script>' is no name"),
    ],
)
def test_what_is_no_wish_is_refused_with_the_value(written, said):
    with pytest.raises(InvalidOption, match=said):
        read_notify(written)


def test_an_address_in_place_of_a_name_is_refused_and_not_repeated():
    with pytest.raises(InvalidOption) as refused:
        read_notify("mailtos://ana:s3cr3t@example.com")

    assert "s3cr3t" not in str(refused.value)


def test_each_wish_counts_once():
    found = list(wishes(("a:success,failure", "a:failure", "b:failure")))

    assert found == [("a", Occasion.SUCCESS), ("a", Occasion.FAILURE), ("b", Occasion.FAILURE)]


def test_what_somebody_cancelled_is_no_occasion():
    assert occasion_of(_ended(RunStatus.CANCELLED)) is None
    assert occasion_of(_ended(RunStatus.SUCCEEDED)) is Occasion.SUCCESS


def test_a_message_says_what_happened_why_and_what_to_do():
    run = _ended(RunStatus.FAILED, "out-of-memory", "peak 4 G of 4 G\x1b[2J\nline")

    text = body(run, Occasion.FAILURE, facts=["It cost $0.02."])

    assert title(run, Occasion.FAILURE) == "train failed (out-of-memory)"
    assert text.splitlines() == [
        "Run r0123456789ab on process (here).",
        "It took 3m.",
        "peak 4 G of 4 G [2J line",
        "It cost $0.02.",
        "Next: jupyter flotilla show r0123456789ab",
    ]
