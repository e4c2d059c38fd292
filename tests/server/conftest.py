"""A Jupyter server with the extension, in this process: `jp_fetch` asks it (pytest-jupyter)."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from pytest_jupyter.jupyter_core import *  # noqa: F403
from pytest_jupyter.jupyter_server import *  # noqa: F403
from pytest_jupyter.pytest_tornasync import *  # noqa: F403
from tornado.httpclient import HTTPClientError
from witness import NOW

from jupyter_flotilla.model.job import JobSpec
from jupyter_flotilla.model.run import Run, new_run_id
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.store import runs

#: Asks a route: status and JSON come back, errors too.
Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_flotilla": True}},
        "FlotillaApp": {"settle_s": 0},
    }


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    """The folder of the server's files."""
    return jp_root_dir


@pytest.fixture
def ask(settings_file: Path, jp_fetch: Callable[..., Any]) -> Ask:
    """Ask a route of ours; a keyword ``body`` is posted as JSON, others are the query."""

    async def asked(
        path: str,
        *,
        body: Any = None,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> tuple[int, Any]:
        named = [
            (name, one)
            for name, value in query.items()
            for one in (value if isinstance(value, list) else [value])
        ]
        options: dict[str, Any] = {"params": named} if named else {}
        if headers:
            options["headers"] = headers
        if body is not None or raw is not None:
            options |= {"method": "POST", "body": raw if raw is not None else json.dumps(body)}
        try:
            answer = await jp_fetch("flotilla", "api", *path.split("/"), **options)
        except HTTPClientError as error:
            answer = error.response
            if answer is None:
                raise
        text = answer.body or b""
        return answer.code, json.loads(text) if text.startswith((b"{", b"[")) else text

    return asked


@pytest.fixture
def make_run(facade: Flotilla) -> Callable[..., Run]:
    """Put a run into the store that nobody launches; keywords are fields of its JobSpec."""

    def make(*, created_at: datetime = NOW, owner: str = "me", **fields: Any) -> Run:
        given = {
            "kind": "command", "name": "job", "command": ("true",), "cwd": "/",
            "interpreter": "python", "engine": "process", "place": "elsewhere", **fields,
        }  # fmt: skip
        spec = JobSpec.model_validate(given)
        run = Run(id=new_run_id(), spec=spec, owner=owner, created_at=created_at)
        with facade.store.write() as tx:
            runs.insert(tx, run)
        return run

    return make
