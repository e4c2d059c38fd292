"""Who asked is told: by a real mail server and a real webhook, each message once."""

import json
import os
import signal
import socketserver
import threading
import time
from collections.abc import Iterator
from email import message_from_string
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import witness

import jupyter_flotilla as fl
from jupyter_flotilla import api
from jupyter_flotilla.errors import InvalidOption

PASSWORD = "hunter2-s3cr3t"


class _Hook(ThreadingHTTPServer):
    """A webhook's receiver."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        self.refuses = 0
        self.asked = 0
        super().__init__(("127.0.0.1", 0), _HookHandler)


class _HookHandler(BaseHTTPRequestHandler):
    server: _Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked += 1
        is_refused = self.server.refuses > 0
        self.server.refuses -= is_refused
        if not is_refused:
            self.server.taken.append(json.loads(body))
        self.send_response(503 if is_refused else 200)
        self.end_headers()

    def log_message(self, *words: Any) -> None:
        pass


class _Mail(socketserver.ThreadingTCPServer):
    """A mail server that takes everything (RFC 5321, as far as a sender needs it)."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.taken: list[str] = []
        super().__init__(("127.0.0.1", 0), _MailHandler)


class _MailHandler(socketserver.StreamRequestHandler):
    server: _Mail

    def handle(self) -> None:
        self._say("220 here")
        for line in self.rfile:
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self._say("354 go on")
                lines = []
                for text in self.rfile:
                    if text == b".\r\n":
                        break
                    lines.append(text.decode())
                self.server.taken.append("".join(lines))
            self._say("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _serving(server: Any) -> Iterator[Any]:
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def hook() -> Iterator[_Hook]:
    yield from _serving(_Hook())


@pytest.fixture
def mail() -> Iterator[_Mail]:
    yield from _serving(_Mail())


@pytest.fixture
def settings(settings_file: Path, hook: _Hook, mail: _Mail) -> Path:
    """Settings with a webhook and a mail server in them."""
    hook_port, mail_port = hook.server_address[1], mail.server_address[1]
    with settings_file.open("a") as file:
        file.write(
            f'\n[notify]\nhook = "json://ana:{PASSWORD}@127.0.0.1:{hook_port}/x"\n'
            f'mail = "mailto://127.0.0.1:{mail_port}?from=a@example.com&to=b@example.com'
            f'&mode=insecure"\n'
            'hanging = "json://10.255.255.1/?cto=30&rto=30"\n'
        )
    api._opened.cache_clear()
    return settings_file


def _told(run: fl.RunHandle) -> list[dict[str, Any]]:
    events = api.flotilla().events(run.id)
    return [event.detail for event in events if event.name == "told"]


def test_a_webhook_and_a_mail_server_see_each_message_once(
    settings: Path, hook: _Hook, mail: _Mail, home: Path
) -> None:
    good = fl.submit(["true"], name="good", notify=["hook", "mail:success"])
    bad = fl.submit(["false"], name="bad", notify=["hook:failure", "mail:success"])
    fine = fl.submit(["true"], name="fine", notify="hook:failure,slow")
    for run in (good, bad, fine):
        run.wait()

    witness.until(lambda: len(hook.taken) == 2 and len(mail.taken) == 1)
    witness.until(lambda: (len(_told(good)), len(_told(bad))) == (2, 1))

    assert sorted(one["title"] for one in hook.taken) == ["bad failed (user-error)",
                                                          "good succeeded"]  # fmt: skip
    [written] = mail.taken
    assert str(make_header(decode_header(message_from_string(written)["Subject"]))) == (
        "good succeeded"
    )
    assert f"jupyter flotilla show {bad.id}" in next(
        one["message"] for one in hook.taken if "bad" in one["title"]
    )
    assert _told(fine) == []
    stored = [path for path in home.rglob("*") if path.is_file()]
    assert stored
    assert not [path for path in stored if PASSWORD.encode() in path.read_bytes()]


def test_one_who_hangs_or_refuses_keeps_nobody_waiting(settings: Path, hook: _Hook) -> None:
    hook.refuses = 1
    run = fl.submit(["true"], name="slow-post", notify=["hanging:success", "hook:success"])

    run.wait()
    witness.until(lambda: hook.asked == 1)
    again = fl.submit(["true"], name="next", notify="hook:success").wait()
    witness.until(lambda: len(_told(again)) == 1)
    witness.until(lambda: len(_told(run)) == 1)  # ten seconds later

    assert [one["title"] for one in hook.taken] == ["next succeeded", "slow-post succeeded"]
    failed = [e.detail for e in api.flotilla().events(run.id) if e.name == "not told"]
    assert {one["target"] for one in failed} >= {"hook"}


def test_what_ended_while_nobody_dispatched_is_told_later(settings: Path, hook: _Hook) -> None:
    run = fl.submit(["sleep", "1"], name="orphan", notify="hook:success")
    witness.until(lambda: run.status == "RUNNING")
    holder = witness.until(lambda: api.flotilla().wake.is_awake() and _dispatcher())
    os.kill(holder, signal.SIGKILL)

    run.wait()

    witness.until(lambda: len(hook.taken) == 1)


@pytest.mark.parametrize(
    ("notify", "said"),
    [
        ("hok", "has no target of that name.*--notify hook"),
        ("hook:sometimes", "no occasion 'sometimes'"),
        (f"json://ana:{PASSWORD}@example.com", "takes the name of a target"),
    ],
)
def test_who_cannot_be_told_is_refused_before_the_launch(
    settings: Path, notify: str, said: str
) -> None:
    with pytest.raises(InvalidOption, match=f"(?s){said}") as refused:
        fl.submit(["true"], notify=notify)

    assert PASSWORD not in str(refused.value)
    assert fl.runs() == []


def _dispatcher() -> int | None:
    from jupyter_flotilla.commands.dispatch import dispatcher_status

    rows = dispatcher_status(api.flotilla())
    return next((int(str(row["pid"])) for row in rows if row["is_alive"]), None)


@pytest.mark.heavy
def test_a_run_that_is_slower_than_usual_is_named_while_it_runs(
    settings: Path, hook: _Hook
) -> None:
    job = ["sh", "-c", "sleep $NAP"]
    for _ in range(5):
        fl.submit(job, env={"NAP": "0.3"}).wait()
    began = time.monotonic()
    slow = fl.submit(job, env={"NAP": "120"}, notify="hook:slow")

    witness.until(lambda: hook.taken, "word of a slow run")
    named_s = time.monotonic() - began
    is_running = not slow.refresh().status.is_final
    slow.cancel(grace=0)

    assert "slow" in hook.taken[0]["title"], hook.taken
    assert is_running
    # half a minute more than usual is slow (`model.slowness`); it has a minute to be named
    assert 30 <= named_s <= 90
