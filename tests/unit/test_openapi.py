import json
from pathlib import Path

from jupyter_flotilla.server.openapi import document
from jupyter_flotilla.server.routes import ROUTES

_KEPT = Path(__file__).parents[2] / "labextension" / "openapi.json"


def test_the_front_end_is_made_for_the_routes_that_there_are() -> None:
    made = json.loads(json.dumps(document(ROUTES, "/flotilla/api")))

    assert json.loads(_KEPT.read_text()) == made, (
        "stale: python -m jupyter_flotilla.server.openapi > labextension/openapi.json, and "
        "npm run types in labextension/"
    )
