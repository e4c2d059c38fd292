"""What the served document allows is answered as it says: asked by chance (schemathesis)."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import witness
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import openapi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

_TOKEN = "test-token"
#: These start programs, of words by chance: their bad bodies are in test_routes.py.
_LAUNCHING = {("post", "/runs"), ("post", "/runs/{run}/retry")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Jupyter server with the extension, in a process of its own, with a run in its store."""
    folder = tmp_path_factory.mktemp("server")
    root = folder / "root"
    root.mkdir()
    witness.notebook(root / "train.ipynb", "alpha", parameters="alpha = 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOTILLA_HOME", str(folder / "home"))
        patch.setenv("FLOTILLA_CONFIG", str(folder / "flotilla.toml"))
        for name in ("CONFIG_DIR", "RUNTIME_DIR", "DATA_DIR"):
            patch.setenv(f"JUPYTER_{name}", str(folder / name))
        witness.flotilla("run", "--name", "first", "--fetch", "made", "--", "sh", "-c",
                         "echo said; echo x > made", cwd=folder)  # fmt: skip
        port_file = folder / "RUNTIME_DIR"
        log = (folder / "log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root",
             f"--IdentityProvider.token={_TOKEN}", f"--ServerApp.root_dir={root}",
             "--ServerApp.jpserver_extensions={'jupyter_flotilla': True}"],
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        try:
            yield witness.until(lambda: _address(port_file), "the server is up")
        finally:
            process.terminate()
            process.wait()
            log.close()
        for pid in witness.processes_of_home(folder / "home"):
            witness.kill(pid)
    assert "Traceback" not in (folder / "log").read_text()


def _address(folder: Path) -> str | None:
    for path in folder.glob("jpserver-*.json"):
        known = json.loads(path.read_text())
        if known["port"]:
            return f"http://127.0.0.1:{known['port']}{known['base_url']}flotilla/api"
    return None


def test_what_the_document_allows_is_answered_as_it_says(server: str) -> None:
    headers = {"Authorization": f"token {_TOKEN}"}
    schema = openapi.from_url(f"{server}/openapi.json", headers=headers)
    run_id = httpx.get(f"{server}/runs", headers=headers).json()["runs"][0]["id"]
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {(one.method, one.path) for one in operations} > _LAUNCHING

    for operation in operations:
        if (operation.method, operation.path) in _LAUNCHING:
            continue

        @settings(
            max_examples=15, deadline=None, database=None, derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        def check(case: Any) -> None:
            if "run" in case.path_parameters:  # else it would never meet one
                case.path_parameters["run"] = run_id
            case.call_and_validate(
                headers=headers,
                checks=[status_code_conformance, response_schema_conformance,
                        content_type_conformance],
            )  # fmt: skip

        given(case=operation.as_strategy())(check)()
