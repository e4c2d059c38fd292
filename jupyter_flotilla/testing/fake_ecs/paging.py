"""Pages of lists, as ECS cuts them."""

from collections.abc import Sequence

from jupyter_flotilla.testing.fake_ecs.refusals import Json, invalid

#: Most entries of a page.
_LONGEST = 100


def page(name: str, entries: Sequence[object], params: Json) -> Json:
    """Return one page of a list, and the ``nextToken`` of the next if there is one."""
    size = params.get("maxResults", _LONGEST)
    if not 1 <= size <= _LONGEST:
        raise invalid("maxResults must be between 1 and 100.")  # [unverified wording]
    token = params.get("nextToken", "0")
    if not token.isdigit():
        raise invalid("Invalid token")
    start = int(token)
    answer: Json = {name: list(entries[start : start + size])}
    if start + size < len(entries):
        answer["nextToken"] = str(start + size)
    return answer
