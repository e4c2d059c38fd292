"""Options of schedules are the same on every face, and mean what people write."""

import inspect
from typing import get_type_hints

import pytest

import jupyter_flotilla as fl
from jupyter_flotilla.commands.schedule_saving import add, edit
from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.schedule_options import (
    SCHEDULE_OPTIONS,
    ScheduleKeywords,
    ScheduleOptions,
    read_repository,
    read_schedule_options,
)


def test_command_line_python_and_rest_offer_the_same() -> None:
    names = {option.py for option in SCHEDULE_OPTIONS}
    jobs = {option.py for option in OPTIONS}

    assert set(get_type_hints(ScheduleKeywords)) == names
    assert {option.rest for option in SCHEDULE_OPTIONS} == set(ScheduleOptions.model_fields)
    assert names | jobs <= set(inspect.signature(fl.schedule).parameters)
    for command in (add, edit):
        assert names | jobs <= {parameter.name for parameter in command.params}
    assert not names & jobs


def test_help_has_every_option() -> None:
    assert all(f"    {option.py}: " in str(fl.schedule.__doc__) for option in SCHEDULE_OPTIONS)


def test_what_is_written_is_read() -> None:
    read = read_schedule_options(
        {"tz": "Asia/Tokyo", "missed": "ALL", "max_age": "2h", "month_cost": "$5", "after": "load"}
    )

    assert read == ScheduleOptions(
        zone="Asia/Tokyo", missed="all", max_age_s=7200, month_usd=5.0, after=("load",)
    )


def test_none_takes_back_what_was_said() -> None:
    read = read_schedule_options({"max_age": "none", "month_cost": "None", "after": ["none"]})

    assert (read.max_age_s, read.month_usd, read.after) == (0, 0.0, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("~/repo@main", ("~/repo", "main")),
        ("https://example.org/a.git@v1.2", ("https://example.org/a.git", "v1.2")),
        ("git@example.org:team/a.git@feature/x", ("git@example.org:team/a.git", "feature/x")),
        ("git@example.org:team/a.git", None),
        ("repo@--upload-pack=x", None),
        ("-x@main", None),
        ("@main", None),
        ("repo@", None),
        ("snapshot", None),
    ],
)
def test_a_repository_is_address_and_ref(text: str, expected: tuple[str, str] | None) -> None:
    assert read_repository(text) == expected


@pytest.mark.parametrize(
    "keywords",
    [{"missed": "some"}, {"overlap": 3}, {"max_age": 5}, {"month_cost": -1}, {"source": "x"},
     {"tz": "Nowhere"}, {"wen": "daily"}],
)  # fmt: skip
def test_what_means_nothing_is_refused(keywords: dict[str, object]) -> None:
    with pytest.raises(InvalidOption, match="Next:"):
        read_schedule_options(keywords)
