"""How much of what a job says its cell shows."""

from jupyter_flotilla.cell_outputs import Allowance

MIB = 2**20


def test_lines_are_shown_up_to_a_number_and_the_rest_is_counted():
    allowance = Allowance()

    shown = [allowance.text("a\n" * 1_500), allowance.text("b\n" * 1_500), allowance.text("c\n")]

    assert [text.count("\n") for text in shown] == [1_500, 500, 0]
    assert allowance.hidden("r01") == "… 1,001 more lines: %flotilla logs r01"


def test_a_line_without_an_end_is_cut():
    allowance = Allowance()

    shown = [allowance.text("x" * 6 * MIB), allowance.text("x" * 6 * MIB), allowance.text("y")]

    assert [len(text) // MIB for text in shown] == [6, 4, 0]
    assert "2 more lines" in allowance.hidden("r01")


def test_displays_are_shown_up_to_a_number_and_a_size():
    many, large = Allowance(), Allowance()

    assert sum(many.display({"text/plain": "x"}) for _ in range(300)) == 200
    assert [large.display({"text/html": "x" * 20 * MIB}) for _ in range(4)] == [
        True, True, False, False
    ]  # fmt: skip
    assert large.hidden("r01") == "… 2 more displays: %flotilla logs r01"


def test_where_all_is_shown_nothing_is_said():
    allowance = Allowance()

    assert allowance.text("all\nof it") == "all\nof it"
    assert allowance.display({"text/plain": "x"})
    assert allowance.hidden("r01") is None
