"""Which source decides, and what a notebook or project may decide."""

import pytest

from jupyter_flotilla.errors import InvalidOption, Refused
from jupyter_flotilla.model.grid_options import GRID_OPTIONS
from jupyter_flotilla.model.options import OPTIONS
from jupyter_flotilla.model.precedence import Source, consent_of, resolve

TABLE = (*OPTIONS, *GRID_OPTIONS)


def own(name, **written):
    return Source(name=name, written=written)


def unseen(place="/p/flotilla.toml", has_consent=False, **written):
    return Source(name=place, written=written, is_users_own=False, has_consent=has_consent)


def decide(*sources, bills=False):
    return resolve(TABLE, sources, bills=lambda engine: bills)


def test_the_strongest_decides_and_all_are_told():
    resolution = decide(own("a", memory="8G"), own("b", memory="4G", timeout="1h"))

    memory = resolution.decided["memory"]
    assert (memory.value, memory.source) == (8192, "a")
    assert memory.said == (("a", "8G", ""), ("b", "4G", "a stronger one decides"))
    assert resolution.decided["timeout"].source == "b"


def test_tags_and_variables_are_added_up_and_the_stronger_wins_key_by_key():
    resolution = decide(own("a", tags={"run": "1"}), own("b", tags={"team": "x", "run": "0"}))

    assert resolution.decided["tags"].value == {"run": "1", "team": "x"}


@pytest.mark.parametrize(
    ("users", "asked", "bills", "expected"),
    [
        ({}, {"memory": "64G"}, False, 65536),
        ({}, {"memory": "64G"}, True, None),
        ({}, {"memory": "2G"}, True, 2048),
        ({"memory": "8G"}, {"memory": "16G"}, False, 8192),
        ({"memory": "8G"}, {"memory": "2G"}, False, 2048),
        ({}, {"timeout": "10h"}, True, 36000),
        ({"timeout": "1h"}, {"timeout": "10h"}, False, 3600),
        ({"timeout": "1h"}, {"timeout": "1m"}, False, 60),
        ({"max_cost": 1}, {"max_cost": 2}, False, 1.0),
        ({"max_cost": 2}, {"max_cost": 1}, False, 1.0),
        ({}, {"cpu": 4}, False, None),
        ({}, {"cpu": 0.5}, False, 0.5),
        ({}, {"retries": 3}, False, None),
        ({"retries": 5}, {"retries": 3}, False, 3),
        ({"max_parallel": 4}, {"max_parallel": 9}, False, 4),
    ],
    ids=str,
)
def test_what_comes_unseen_may_only_lower_limits(users, asked, bills, expected):
    [keyword] = asked

    resolution = decide(unseen(**asked), own("mine", **users), bills=bills)

    decided = resolution.decided[keyword]
    assert decided.value == expected
    assert len(resolution.notes) == 1  # it is said, whether it counts or not
    assert not resolution.asks


@pytest.mark.parametrize(
    "wish",
    [
        {"engine": "ecs"}, {"secrets": ["T"]}, {"env": {"A": "1"}}, {"files": ["*.csv"]},
        {"on_oom": "double"},
    ],
    ids=str,
)  # fmt: skip
def test_what_may_spend_or_leak_needs_consent(wish):
    [keyword] = wish
    without, agreed = decide(unseen(**wish)), decide(unseen(has_consent=True, **wish))

    assert without.decided[keyword].source == ""
    assert without.values(TABLE) == {}
    assert [ask.wants for ask in without.asks] == [wish]
    assert agreed.values(TABLE)
    assert not agreed.asks
    with pytest.raises(Refused, match="asks for"):
        without.check_consent()


def test_a_wish_that_the_user_has_decided_otherwise_is_not_asked_about():
    resolution = decide(own("asked", engine="process"), unseen(engine="ecs"))

    assert not resolution.asks
    assert resolution.decided["engine"].value == "process"


def test_labels_are_free():
    assert decide(unseen(tags={"team": "x"})).values(TABLE) == {"tags": {"team": "x"}}


def test_a_consent_ends_when_the_wishes_change():
    before, after = consent_of(unseen(engine="ecs")), consent_of(unseen(engine="docker"))
    elsewhere = consent_of(unseen("/q/flotilla.toml", engine="ecs"))

    assert before and after and elsewhere
    assert len({before.digest, after.digest, elsewhere.digest}) == 3
    assert consent_of(unseen(engine="ecs", memory="1G")) == before


@pytest.mark.parametrize(
    "written", [{"memory": "16"}, {"memroy": "16G"}, {"name": "x"}, {"params": {"a": 1}}], ids=str
)
def test_a_mistake_of_somebody_else_is_said_and_holds_up_nobody(written):
    resolution = decide(unseen(**written))

    assert resolution.values(TABLE) == {}
    assert "does not count" in resolution.notes[0]


def test_a_mistake_of_the_users_own_is_an_error_with_its_place():
    with pytest.raises(InvalidOption, match=r"FLOTILLA_MEMORY: '16' is not a size"):
        decide(own("FLOTILLA_MEMORY", memory="16"))
