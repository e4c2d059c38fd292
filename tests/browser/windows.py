"""A real Jupyter server, and windows of a browser on it."""

import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import witness

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "jupyter_flotilla" / "labextension"
#: Where each test leaves pictures of what it has seen.
SHOTS = Path(os.environ.get("SHOTS") or ROOT / "test-results")

#: What the browser itself says when a server is away, which a test may have meant to be.
_NETWORK = re.compile(r"Failed to (load resource|fetch)|WebSocket connection|net::ERR_")


@dataclass(kw_only=True)
class JupyterServer:
    """A Jupyter server of the tests' own, with a home of Flotilla's of its own."""

    #: Everything of it is below this.
    root: Path
    app: str = "lab"
    port: int = 0
    token: str = field(default_factory=lambda: secrets.token_hex(16))
    _process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is, below an address of its own as on a hub."""
        return f"http://127.0.0.1:{self.port}/user/ada"

    @property
    def pid(self) -> int:
        """Id of its process."""
        assert self._process is not None
        return self._process.pid

    @property
    def work(self) -> Path:
        """Folder that it serves."""
        return self.root / "work"

    @property
    def environment(self) -> dict[str, str]:
        """Variables of the server and of what the tests start beside it."""
        mine = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("FLOTILLA_", "AWS_", "JUPYTER"))
        }
        return mine | {
            "FLOTILLA_HOME": str(self.root / "home"),
            "FLOTILLA_CONFIG": str(self.root / "flotilla.toml"),
            "JUPYTER_CONFIG_DIR": str(self.root / "config"),
            "JUPYTER_DATA_DIR": str(self.root / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.root / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.root / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.root / "workspaces"),
            "IPYTHONDIR": str(self.root / "ipython"),
            # before what is installed, which may be an older bundle than that of this checkout
            "JUPYTER_PATH": str(self.root / "data"),
        }

    def prepare(self) -> None:
        """Make its folders, with the bundle of this checkout, and no questions asked."""
        self.work.mkdir(parents=True)
        extensions = self.root / "data" / "labextensions"
        extensions.mkdir(parents=True)
        (extensions / "jupyter-flotilla").symlink_to(BUILT)
        news = self.root / "settings" / "@jupyterlab" / "apputils-extension"
        news.mkdir(parents=True)
        quiet = {"fetchNews": "false", "checkForUpdates": False}
        (news / "notification.jupyterlab-settings").write_text(json.dumps(quiet))
        (self.root / "flotilla.toml").write_text("idle_s = 5\nretry_delay_s = 0.1\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self) -> None:
        """Start it, and return when it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    *("-m", "jupyter", self.app, "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0"),
                    f"--IdentityProvider.token={self.token}",
                    "--ServerApp.base_url=/user/ada/",
                    f"--ServerApp.root_dir={self.work}",
                    "--ServerApp.jpserver_extensions=jupyter_flotilla=True",
                    "--FlotillaApp.settle_s=0",
                    "--LabApp.expose_app_in_browser=True",
                    "--JupyterNotebookApp.expose_app_in_browser=True",
                ],
                cwd=self.work,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        witness.until(self._answers, "a Jupyter server")

    def stop(self) -> None:
        """End it, hard if it does not listen."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-4000:]
        with suppress(OSError):
            urllib.request.urlopen(f"{self.url}/api?token={self.token}", timeout=5).close()
            return True
        return False

    @property
    def _log(self) -> Path:
        return self.root / "server.log"

    def flotilla(self, *arguments: str) -> str:
        """Run the command line beside the server; returns what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "jupyter_flotilla", *arguments],
            cwd=self.work,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def api(self, path: str, body: Any = None) -> Any:
        """Ask the server extension as a program would; returns the JSON."""
        request = urllib.request.Request(
            f"{self.url}/flotilla/api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)


_NOTEBOOK_IS_READY = """() => {
    const notebook = window.jupyterapp.shell.currentWidget;
    return notebook?.sessionContext && notebook.revealed
        .then(() => notebook.sessionContext.ready)
        .then(() => notebook.node.contains(document.activeElement));
}"""


class Window:
    """A window of the browser on a server, and what goes wrong in it."""

    def __init__(self, browser: Any, server: JupyterServer, **options: Any) -> None:
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = browser.new_context(reduced_motion="reduce", **options)
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        self._begin(context, server)

    def _begin(self, context: Any, server: JupyterServer) -> None:
        self._context = context
        self._server = server
        self.page = context.new_page()
        #: Errors that nobody caught, and what the console calls an error.
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self._on_error(str(error)))
        self.page.on("console", lambda said: said.type == "error" and self._on_error(said.text))

    def sibling(self) -> "Window":
        """Open another page of the same browser; it is closed with this one."""
        sibling = Window.__new__(Window)
        sibling._begin(self._context, self._server)
        return sibling

    def _on_error(self, text: str) -> None:
        if not _NETWORK.search(text):
            self.problems.append(text)

    def go(self, path: str = "lab?reset") -> Any:
        """Open a page of Jupyter, and return it when the application is there."""
        token = f"{'&' if '?' in path else '?'}token={self._server.token}"
        self.page.goto(f"{self._server.url}/{path}{token}")
        self.page.wait_for_function(
            "() => window.jupyterapp && window.jupyterapp.restored.then(() => true)",
            timeout=60_000,
        )
        self.page.locator("#jupyterlab-splash").wait_for(state="detached", timeout=30_000)
        # What Lab opens it opens after it is restored, and then gives it the focus.
        if path.startswith("lab/tree/"):
            self.page.wait_for_function(_NOTEBOOK_IS_READY, timeout=60_000)
        elif path == "lab?reset":
            self.page.locator(".jp-LauncherCard").first.wait_for(timeout=30_000)
        return self.page

    def command(self, name: str, **arguments: Any) -> None:
        """Execute a command of the application."""
        script = "([name, args]) => { void window.jupyterapp.commands.execute(name, args); }"
        self.page.evaluate(script, [name, arguments])

    def check_axe(self, context: str) -> None:
        """Have axe look at a part of the page for what keeps people out."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, context=context)
        assert found.violations_count == 0, found.generate_report()

    def shot(self, name: str, of: Any = None) -> None:
        """Leave a picture: of a part, or of all."""
        SHOTS.mkdir(parents=True, exist_ok=True)
        (of or self.page).screenshot(path=SHOTS / f"{name}.png")

    def close(self) -> None:
        """Close it and all that belongs to it."""
        self._context.close()
