"""Where a run is to be seen in JupyterLab."""

import json
import os
import webbrowser
from pathlib import Path

import pytest

from jupyter_flotilla import links
from jupyter_flotilla.errors import NoServer

RUN = "r0123456789ab"


@pytest.fixture
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of running servers, none yet."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    for name in ("JPY_PARENT_PID", "JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_PUBLIC_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def _serve(runtime: Path, pid: int, url: str) -> None:
    info = {"pid": pid, "url": url, "token": "s3cr3t", "root_dir": "/"}
    (runtime / f"jpserver-{pid}.json").write_text(json.dumps(info))


def test_a_link_leads_to_the_server_that_started_this_kernel(runtime, monkeypatch):
    _serve(runtime, os.getppid(), "http://localhost:8888/")
    _serve(runtime, os.getpid(), "http://localhost:9999/a%40b/")
    monkeypatch.setenv("JPY_PARENT_PID", str(os.getpid()))

    assert links.run_link(RUN) == f"http://localhost:9999/a%40b/lab?flotilla-run={RUN}"


def test_on_a_hub_the_link_is_within_its_page(runtime, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")

    assert links.run_link(RUN) == f"/user/me/lab?flotilla-run={RUN}"


def test_in_a_terminal_a_browser_opens_it_with_no_token_in_its_address(runtime, monkeypatch):
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    _serve(runtime, os.getpid(), "http://localhost:8888/")

    links.open_run(RUN)

    assert opened == [f"http://localhost:8888/lab?flotilla-run={RUN}"]


def test_without_a_server_there_is_no_link(runtime):
    assert links.run_link(RUN) is None
    with pytest.raises(NoServer, match="no Jupyter server of yours is running"):
        links.open_run(RUN)
