import json
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.httpclient import HTTPClientError
from tornado.websocket import websocket_connect


class _Reader(Authorizer):
    """Lets everybody read, and nobody do more."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("runs", {"what": {"kind": "command", "argv": ["true"]}}),
        ("runs/{run}/cancel", {}),
        ("runs/{run}/retry", {}),
        ("runs/{run}/keep", {}),
        # it may build packages, and run an image to look into it
        ("plan", {"what": {"kind": "command", "argv": ["true"]}}),
    ],
)
async def test_whoever_may_only_read_changes_nothing(
    ask, make_run, facade, jp_serverapp, path, body
):
    jp_serverapp.web_app.settings["authorizer"] = _Reader()
    run = make_run()

    status, answer = await ask(path.replace("{run}", run.id), body=body)
    read, _ = await ask(f"runs/{run.id}")

    assert (status, answer["code"], read) == (403, "forbidden", 200)
    [(only, _)] = facade.latest()
    assert (only.id, only.cancel_requested_at) == (run.id, None)


async def test_whoever_may_not_read_sees_nothing(ask, make_run, jp_serverapp, jp_ws_fetch):
    class Nobody(Authorizer):
        def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
            return resource != "flotilla"

    jp_serverapp.web_app.settings["authorizer"] = Nobody()

    status, _ = await ask(f"runs/{make_run().id}")
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("flotilla", "api", "changes")

    assert (status, refused.value.code) == (403, 403)


async def test_the_socket_needs_a_login(settings_file, http_server_client, jp_base_url,
                                        jp_http_port, jp_serverapp):  # fmt: skip
    with pytest.raises(HTTPClientError) as refused:
        await websocket_connect(f"ws://127.0.0.1:{jp_http_port}{jp_base_url}flotilla/api/changes")
    assert refused.value.code == 403


@pytest.mark.parametrize("path", ["status", "runs", "openapi.json", "doctor"])
async def test_every_route_needs_a_login(settings_file, http_server_client, jp_base_url, path):
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(f"{jp_base_url}flotilla/api/{path}", follow_redirects=False)

    assert refused.value.code == 401
    assert json.loads(refused.value.response.body)["code"] == "unauthenticated"


@pytest.mark.parametrize("jp_argv", [["--IdentityProvider.token=", "--ServerApp.password="]])
async def test_a_change_needs_the_xsrf_token_where_no_other_token_is_sent(
    settings_file, http_server_client, jp_base_url, jp_serverapp, facade
):
    with pytest.raises(HTTPClientError) as refused:
        await http_server_client.fetch(
            f"{jp_base_url}flotilla/api/runs", method="POST",
            body=json.dumps({"what": {"kind": "command", "argv": ["true"]}}),
        )  # fmt: skip

    assert (refused.value.code, json.loads(refused.value.response.body)["code"]) == (
        403, "forbidden",
    )  # fmt: skip
    assert facade.latest() == []
