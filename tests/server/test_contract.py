"""What the served document allows is answered as it says: asked by chance (schemathesis)."""

from collections.abc import Iterator
from typing import Any

import pytest
import witness
from hypothesis import HealthCheck, Phase, given, settings
from jupyter_process import TOKEN, JupyterProcess, jupyter_server
from schemathesis import openapi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

#: These start programs, of words by chance: their bad bodies are in test_routes.py.
_LAUNCHING = {("post", "/runs"), ("post", "/runs/{run}/retry")}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterProcess]:
    """A server with a run in its store."""
    folder = tmp_path_factory.mktemp("server")
    root = folder / "root"
    root.mkdir()
    witness.notebook(root / "train.ipynb", "alpha", parameters="alpha = 1")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLOTILLA_HOME", str(folder / "home"))
        patch.setenv("FLOTILLA_CONFIG", str(folder / "flotilla.toml"))
        witness.flotilla("run", "--name", "first", "--fetch", "made", "--", "sh", "-c",
                         "echo said; echo x > made", cwd=folder)  # fmt: skip
        with jupyter_server(folder / "jupyter", root) as process:
            yield process
            assert "Traceback" not in process.log
        for pid in witness.processes_of_home(folder / "home"):
            witness.kill(pid)


def test_what_the_document_allows_is_answered_as_it_says(server: JupyterProcess) -> None:
    headers = {"Authorization": f"token {TOKEN}"}
    schema = openapi.from_url(f"{server.url}flotilla/api/openapi.json", headers=headers)
    run_id = server.ask("runs")["runs"][0]["id"]
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
