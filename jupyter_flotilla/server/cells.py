"""Route of a cell: what its run has said, as outputs that a window writes into it."""

from typing import Any

from jupyter_flotilla.server.context import Context
from jupyter_flotilla.server.handler import Request


def cell(context: Context, request: Request) -> dict[str, Any]:
    """Return a run as the outputs of its cell; null for those that whoever asks has."""
    handle = context.handle(request.path["run"])
    outputs, digests, is_final = context.cells.read(context.flotilla, handle)
    have = [one for one in request.query.have.split(",") if one]
    known = [*have, *[""] * len(digests)]
    return {
        "run_id": handle.id,
        "digests": digests,
        "outputs": [
            None if known[place] == digest else outputs[place]
            for place, digest in enumerate(digests)
        ],
        "changed": digests != have,
        "is_final": is_final,
    }


def is_awaited(answer: dict[str, Any]) -> bool:
    """Say whether a follower waits for more than this."""
    return not answer["changed"] and not answer["is_final"]
