"""The room that a home keeps for a full disk."""

from pathlib import Path

from jupyter_flotilla.artifacts.reserve import Reserve


def test_a_home_that_is_not_there_keeps_nothing_and_is_not_made(home: Path) -> None:
    Reserve(home).keep()

    assert not home.exists()


def test_what_was_given_up_is_set_aside_again(home: Path) -> None:
    home.mkdir()
    reserve = Reserve(home)
    reserve.keep()
    before = {path.name: path.stat().st_size for path in home.iterdir()}

    given_up = [reserve.give_up() for _ in range(len(before) + 1)]
    reserve.keep()

    assert given_up == [*[True] * len(before), False]
    assert {path.name: path.stat().st_size for path in home.iterdir()} == before
