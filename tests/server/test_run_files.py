"""Files over HTTP: whole and in parts, never run by a browser, never from anywhere else."""

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from tornado.httpclient import HTTPResponse

import jupyter_flotilla as fl

CONTENT = bytes(range(256)) * 40
#: Names that a job may give its files, as it runs on a file system that has them all.
HOSTILE_NAMES = [
    'a "quoted" name.txt',
    "line\nfeed\r\nSet-Cookie: hit=1.txt",
    "hömé 日本語 🚀.txt",
    "semi;colon=x.txt",
    "%2e%2e%2fescaped.txt",
    "back\\slash.txt",
    "sp ace/and #hash?.txt",
]
#: What follows `files/` in addresses that mean no file of the attempt.
NO_FILES = [
    "../job.json",
    "out/../../job.json",
    "%2e%2e/job.json",
    "..%2fjob.json",
    "out%2f..%2f..%2fjob.json",
    "%252e%252e%252fjob.json",
    "..%5cjob.json",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "//etc/passwd",
    "out/x.bin%00.png",
    "out/./x.bin",
    "out//x.bin",
    "out/x.bin/",
    "out/x.bin/more",
    "out",
    "out/",
    ".",
    "%2e",
    "%ff%fe",
    "x" * 5000,
]

Get = Callable[..., Awaitable[HTTPResponse]]


@pytest.fixture
def get(
    settings_file: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    jp_serverapp: Any,
    http_server_client: Any,
    jp_base_url: str,
) -> Get:
    """Ask for an address exactly as it is written; keywords are headers."""

    monkeypatch.chdir(root)

    async def got(path: str, **headers: str) -> HTTPResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await http_server_client.fetch(
            f"{jp_base_url}flotilla/api/{path}",
            headers={"Authorization": f"token {jp_serverapp.identity_provider.token}", **named},
            raise_error=False,
            follow_redirects=False,
        )

    return got


@pytest.fixture
def bring(root: Path, settings_file: Path) -> Callable[[dict[str, bytes]], fl.RunHandle]:
    """Have a job bring files back; returns its run."""

    def brought(files: dict[str, bytes]) -> fl.RunHandle:
        source = f"""
            import pathlib
            for name, content in {files!r}.items():
                path = pathlib.Path('out') / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
        """
        script = "\n".join(line[12:] for line in source.splitlines())
        return fl.submit(["python3", "-c", script], fetch=["out/**"], wait=True)

    return brought


def url(run: fl.RunHandle, name: str, attempt: int = 1) -> str:
    """Return the address of a file that a run has brought back; ``?`` begins a query."""
    name, _, query = name.partition("?download")
    where = f"runs/{run.id}/attempts/{attempt}/files/{quote('out/' + name)}"
    return f"{where}?download{query}" if query else where


async def test_a_file_comes_whole_or_in_parts(get, bring):
    where = url(bring({"x.bin": CONTENT}), "x.bin")

    whole = await get(where)

    assert (whole.code, whole.body) == (200, CONTENT)
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert whole.headers["Content-Length"] == str(len(CONTENT))
    size = len(CONTENT)
    for asked, part in (
        ("bytes=0-0", CONTENT[:1]),
        ("bytes=100-199", CONTENT[100:200]),
        ("bytes=10000-", CONTENT[10_000:]),
        (f"bytes={size - 1}-{size + 500}", CONTENT[-1:]),
        ("bytes=-7", CONTENT[-7:]),
        (f"bytes=-{size * 2}", CONTENT),
    ):
        answer = await get(where, Range=asked)
        assert (answer.code, answer.body) == (206, part), asked
        first = size - len(part) if asked.startswith("bytes=-") else int(asked[6:].split("-")[0])
        last = first + len(part) - 1
        assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{size}"


async def test_a_part_that_is_none_is_refused_and_the_size_is_told(get, bring):
    run = bring({"x.bin": CONTENT, "empty": b""})

    for asked in (
        f"bytes={len(CONTENT)}-", "bytes=5-4", "bytes=-0", "bytes=-", "bytes=a-b",
        "bytes=" + "9" * 40 + "-",
    ):  # fmt: skip
        answer = await get(url(run, "x.bin"), Range=asked)
        assert answer.code == 416, asked
        assert answer.headers["Content-Range"] == f"bytes */{len(CONTENT)}"
        assert json.loads(answer.body)["code"] == "range-not-satisfiable"
    for ignored in ("lines=1-2", "bytes=0-1,3-4"):  # RFC 9110: then the whole file is right
        assert (await get(url(run, "x.bin"), Range=ignored)).body == CONTENT
    empty = await get(url(run, "empty"))
    assert (empty.code, empty.body, empty.headers["Content-Length"]) == (200, b"", "0")
    assert (await get(url(run, "empty"), Range="bytes=0-")).code == 416


async def test_a_download_that_goes_on_gets_the_whole_of_a_file_that_has_changed(get, bring):
    where = url(bring({"x.bin": CONTENT}), "x.bin")
    tag = (await get(where)).headers["ETag"]

    same = await get(where, Range="bytes=5-", If_Range=tag)
    other = await get(where, Range="bytes=5-", If_Range='"another"')

    assert (same.code, same.body) == (206, CONTENT[5:])
    assert (other.code, other.body) == (200, CONTENT)


async def test_what_a_browser_could_run_is_only_ever_saved(get, bring):
    names = ("page.html", "PAGE.HTM", "image.svg", "script.js", "module.mjs", "page.xhtml",
             "feed.xml", "paper.pdf", "style.css", "page.html.gz", "nothing", "no.such-kind",
             "frame.mhtml")  # fmt: skip
    content = b"<script>alert(1)</script>"
    run = bring(dict.fromkeys(names, content))

    for name in (f"{name}{query}" for name in names for query in ("", "?download=1")):
        answer = await get(url(run, name))

        assert (answer.code, answer.body) == (200, content), name
        assert answer.headers["Content-Type"] == "application/octet-stream", name
        assert answer.headers["Content-Disposition"].startswith("attachment;"), name
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"


async def test_pictures_and_text_are_shown_unless_they_are_to_be_saved(get, bring):
    text = "text/plain; charset=utf-8"
    kinds = {"plot.png": "image/png", "photo.JPG": "image/jpeg", "notes.txt": text,
             "table.csv": text, "figures.json": text}  # fmt: skip
    run = bring(dict.fromkeys(kinds, b"<b>not html</b>"))

    for name, kind in kinds.items():
        shown, saved = await get(url(run, name)), await get(url(run, f"{name}?download=1"))

        assert shown.headers["Content-Type"] == kind
        assert "Content-Disposition" not in shown.headers
        assert shown.headers["X-Content-Type-Options"] == "nosniff"
        assert shown.headers["Content-Security-Policy"].startswith("sandbox")
        assert saved.headers["Content-Type"] == "application/octet-stream"
        assert saved.headers["Content-Disposition"] == (
            f"attachment; filename=\"{name}\"; filename*=UTF-8''{name}"
        )


async def test_hostile_names_come_back_quoted_in_one_header(get, bring):
    run = bring({name: name.encode() for name in HOSTILE_NAMES})
    listed = run.files()

    for name in HOSTILE_NAMES:
        assert f"out/{name}" in listed
        answer = await get(url(run, f"{name}?download=1"))
        assert (answer.code, answer.body) == (200, name.encode()), name
        assert "hit" not in "".join(answer.headers.get_list("Set-Cookie"))
        disposition = answer.headers["Content-Disposition"]
        last = name.rpartition("/")[2]
        assert disposition.endswith(f"; filename*=UTF-8''{quote(last, safe='')}")
        plain = disposition.split('"')[1]
        assert disposition.isascii() and disposition.count('"') == 2
        assert plain.replace(".", "").replace("_", "").replace("-", "").isalnum()


async def test_paths_that_are_no_file_of_the_attempt_lead_nowhere(get, bring):
    run = bring({"x.bin": CONTENT})

    for path in NO_FILES:
        answer = await get(f"runs/{run.id}/attempts/1/files/{path}")

        assert answer.code in (400, 404), path
        assert json.loads(answer.body)["message"]
        assert b"root:" not in answer.body


async def test_links_are_never_followed_out_of_the_folder(get, bring, facade, tmp_path):
    (tmp_path / "secret").write_text("secret")
    run = bring({"x.bin": CONTENT, "deep/y.bin": CONTENT})
    folder = facade.attempt_folder(run.id, 1) / "files" / "out"
    for made, target in (("link", tmp_path / "secret"), ("folder", tmp_path), ("up", "../..")):
        (folder / made).symlink_to(target)
    os.mkfifo(folder / "pipe")
    # the list of files is the job's to write, too
    names = ["out/link", "out/folder/secret", "out/up/job.json", "out/pipe", "out/gone", "out"]
    (folder.parents[1] / "files.json").write_text(json.dumps(dict.fromkeys(names, 6)))

    for name in names:
        answer = await get(f"runs/{run.id}/attempts/1/files/{quote(name)}")
        assert (answer.code, json.loads(answer.body)["code"]) == (404, "file-not-found"), name
        assert b"secret" not in answer.body.replace(b"out/folder/secret", b"")


async def test_each_attempt_has_files_of_its_own(get, root, settings_file):
    script = "mkdir -p out; echo x >> out/which; test $(wc -l < out/which) = 2"
    run = fl.submit(["sh", "-c", script], fetch=["out/*"], retries=1).wait()
    assert run.snapshot.attempt == 2

    bodies = [(await get(url(run, "which", attempt))).body for attempt in (1, 2)]

    assert bodies == [b"x\n", b"x\nx\n"]
    for attempt in ("0", "3", "-1", "1.5", "x", "99999999", "1%2f2"):
        answer = await get(f"runs/{run.id}/attempts/{attempt}/files/out/which")
        assert answer.code == 404, attempt
    other = fl.submit(["true"], wait=True)
    assert (await get(url(other, "which"))).code == 404


async def test_the_file_of_a_value_is_saved(get, root, settings_file):
    run = fl.submit(sorted, [3, 1, 2], wait=True)
    [name] = run.outputs.entries

    answer = await get(f"runs/{run.id}/outputs/{quote(name)}")

    assert answer.code == 200, answer.body
    assert json.loads(answer.body) == [1, 2, 3]
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    for other in ("nothing", "..%2fjob.json", "%2e%2e", "a%2fb", "%00"):
        assert (await get(f"runs/{run.id}/outputs/{other}")).code in (400, 404), other


async def test_a_value_that_says_it_lies_elsewhere_does_not(get, bring, facade, tmp_path):
    (tmp_path / "secret").write_text("secret")
    run = bring({})
    folder = facade.attempt_folder(run.id, 1)
    (folder / "values").mkdir(exist_ok=True)
    (folder / "values" / "linked").symlink_to(tmp_path / "secret")
    entries = [{"name": name, "type": "x", "file": file} for name, file in (
        ("up", "../job.json"), ("root", "/etc/passwd"), ("link", "linked"), ("none", ""),
        ("gone", "gone"), ("number", 5), ("folder", "."),
    )]  # fmt: skip
    (folder / "outputs.json").write_text(json.dumps([*entries, {"name": "bare", "type": "x"}]))

    for name in [*(entry["name"] for entry in entries), "bare"]:
        answer = await get(f"runs/{run.id}/outputs/{name}")
        assert answer.code == 404, (name, answer.body)


async def test_what_is_no_list_of_values_is_none(ask, bring, facade):
    run = bring({})
    folder = facade.attempt_folder(run.id, 1)

    for listed in ("5", "[5]", '[{"name": []}]', '[{"type": "x"}]', "{", "null"):
        (folder / "outputs.json").write_text(listed)
        status, body = await ask(f"runs/{run.id}")
        assert (status, body["outputs"]) == (200, []), listed


async def test_files_are_for_those_who_are_logged_in(get, bring, jp_serverapp, jp_base_url):
    where = url(bring({"x.bin": CONTENT}), "x.bin")

    answer = await get(where, Authorization="token wrong")

    assert answer.code in (401, 403)
    assert CONTENT[:20] not in answer.body
