import random
import re

import nbclient.client

from jupyter_flotilla.runner import client

#: As nbclient has it.
_THEIRS = re.compile(r".*\r(?=[^\n])")


def test_what_a_carriage_return_takes_back_is_the_same_as_ever() -> None:
    chances = random.Random(3)
    for _ in range(5_000):
        text = "".join(chances.choices("ab\r\n ", k=chances.randrange(25)))
        assert client._BEFORE_RETURN.sub("", text) == _THEIRS.sub("", text), repr(text)


def test_nbclient_takes_it_back_in_our_way() -> None:
    assert nbclient.client._RGX_CARRIAGERETURN is client._BEFORE_RETURN
