"""One handler for all routes: who may, what was asked, done in a thread, answered as JSON."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_origin

from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel, ValidationError
from tornado import web

from jupyter_flotilla.errors import (
    AmbiguousRun,
    DiskFull,
    EnvironmentProblem,
    FlotillaError,
    InvalidTransition,
    Refused,
    RunNotFound,
    ScheduleChanged,
    ScheduleNotFound,
    UsageError,
)
from jupyter_flotilla.server import metrics
from jupyter_flotilla.server.context import Context, NoSuchFile
from jupyter_flotilla.server.threads import Threads
from jupyter_flotilla.server.wire.base import Error, NoQuery

#: What is checked with the server's authorizer.
RESOURCE = "flotilla"
#: Largest body, in bytes.
MAX_BODY = 8 * 2**20
#: One group each: the whole id of a run, and of a schedule.
RUN_ID = r"(?P<run>r[0-9a-hjkmnp-tv-z]{12})"
SCHEDULE_ID = r"(?P<schedule>s[0-9a-hjkmnp-tv-z]{12})"

Method = Literal["GET", "POST"]
Action = Literal["read", "write", "execute"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """What was asked, checked."""

    #: Parts of the path by name.
    path: Mapping[str, str]
    #: Of the type that the route names.
    query: Any
    body: Any


@dataclass(frozen=True, kw_only=True, slots=True)
class Content:
    """The answer is a file, or a part of one."""

    file: Any
    #: Bytes of the whole file.
    size: int
    media_type: str
    #: Name under which it is saved; None: it may be shown.
    save_as: str | None
    #: Changes with the content.
    etag: str


Call = Callable[[Context, Request], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One operation."""

    method: Method
    #: Below the API's base; ``{name}`` are parts that vary, ``{name…}`` may have slashes.
    path: str
    summary: str
    call: Call
    #: Model of the answer; None: a file.
    answer: type[BaseModel] | None
    query: type[BaseModel] = NoQuery
    body: type[BaseModel] | None = None
    action: Action = "read"
    #: True where it may take minutes, or asks others: such calls must not hold up the rest.
    is_slow: bool = False
    status: int = 200
    #: Called until it is not None, or ``query.wait_s`` are over: what a follower waits for.
    is_awaited: Callable[[Any], bool] = lambda answer: False

    @property
    def pattern(self) -> str:
        """The regular expression of its path."""
        parts = re.split(r"(\{[a-z]+…?\})", self.path)
        return "".join(_part(part) for part in parts)


def _part(part: str) -> str:
    if part in ("{run}", "{schedule}"):
        return RUN_ID if part == "{run}" else SCHEDULE_ID
    if part.startswith("{"):
        name = part.strip("{}…")
        inner = r"[0-9]{1,7}" if name == "number" else (".+" if "…" in part else "[^/]+")
        return f"(?P<{name}>{inner})"
    return re.escape(part)


class ApiHandler(APIHandler):
    """Serves the routes of one path."""

    def initialize(
        self, routes: Mapping[str, Route], context: Context, quick: Threads, slow: Threads
    ) -> None:
        """Take what is served; tornado calls this for every request."""
        self.routes = routes
        self.context = context
        self.quick = quick
        self.slow = slow

    async def prepare(self) -> None:  # type: ignore[override]
        """Tell whoever is not logged in so, whatever they ask."""
        await super().prepare()
        if self.current_user is None:
            raise web.HTTPError(401)

    def get_login_url(self) -> str:
        """Refuse whoever is not known: a program cannot log in on a page."""
        raise web.HTTPError(401)

    @web.authenticated
    async def get(self, **path: str) -> None:
        """Serve GET."""
        await self._serve("GET", path)

    @web.authenticated
    async def post(self, **path: str) -> None:
        """Serve POST."""
        await self._serve("POST", path)

    async def _serve(self, method: str, path: Mapping[str, str]) -> None:
        route = self.routes.get(method)
        if route is None:
            self.set_header("Allow", ", ".join(self.routes))
            raise web.HTTPError(405)
        may = self.authorizer.is_authorized(self, self.current_user, route.action, RESOURCE)
        if not (await may if asyncio.iscoroutine(may) else may):
            raise web.HTTPError(403, f"you may not {route.action} {RESOURCE}")
        body = await self.quick.run(self._body, route)
        request = Request(path=path, query=self._query(route), body=body)
        answer = await self._answer(route, request)
        if isinstance(answer, Content):
            await self._give(answer)
            return
        self.set_status(route.status)
        self.set_header("Cache-Control", "no-store")
        await self.finish(await self.quick.run(json.dumps, answer))  # some are notebooks, whole

    async def _answer(self, route: Route, request: Request) -> Any:
        loop = asyncio.get_running_loop()
        until = loop.time() + getattr(request.query, "wait_s", 0.0)
        threads = self.slow if route.is_slow else self.quick
        while True:
            answer = await threads.run(self._call, route, request)
            if self._is_gone() or not route.is_awaited(answer) or loop.time() >= until:
                return answer
            await asyncio.sleep(0.2)

    def _call(self, route: Route, request: Request) -> Any:
        # it may have waited for a thread, and a form asks anew at each change
        return None if self._is_gone() else route.call(self.context, request)

    def _is_gone(self) -> bool:
        """Say whether nobody waits for the answer any more."""
        return self.request.connection.stream.closed()  # type: ignore[union-attr, no-any-return]

    def _query(self, route: Route) -> Any:
        given: dict[str, Any] = {}
        for name, values in self.request.query_arguments.items():
            if name in ("token", "no_track_activity", "_xsrf"):
                continue
            field = route.query.model_fields.get(name)
            try:
                texts = [value.decode() for value in values]
            except UnicodeDecodeError as error:
                raise web.HTTPError(400, f"{name} is no UTF-8") from error
            is_list = field is not None and get_origin(field.annotation) is list
            given[name] = texts if is_list else texts[-1]
        return route.query.model_validate(given)

    def _body(self, route: Route) -> Any:
        if route.body is None:
            return None
        if len(self.request.body) > MAX_BODY:
            raise web.HTTPError(413, f"a body of more than {MAX_BODY:,} bytes")
        try:
            given = json.loads(self.request.body or b"{}")
        except (ValueError, RecursionError) as error:
            raise web.HTTPError(400, f"the body is no JSON: {error}") from error
        if not isinstance(given, dict):
            raise web.HTTPError(400, "the body is no JSON object")
        return route.body.model_validate(given)

    async def _give(self, content: Content) -> None:
        """Send a file, or the part of it that was asked for (RFC 9110, one range)."""
        with content.file:
            first, last = 0, content.size - 1
            asked = self.request.headers.get("Range")
            condition = self.request.headers.get("If-Range")
            # other units, and several parts, may be ignored: the whole file is right then
            is_known = re.fullmatch(r"bytes=[^,]*", asked or "") is not None
            if asked and is_known and condition in (None, content.etag):
                part = _range(asked, content.size)
                if part is None:
                    await self._refuse_part(asked, content.size)
                    return
                first, last = part
                self.set_status(206)
                self.set_header("Content-Range", f"bytes {first}-{last}/{content.size}")
            self.set_header("Accept-Ranges", "bytes")
            self.set_header("ETag", content.etag)
            self.set_header("Cache-Control", "no-cache, private")
            self.set_header("X-Content-Type-Options", "nosniff")
            self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
            self.set_header("Content-Length", str(max(0, last - first + 1)))
            self.set_header("Content-Type", content.media_type)
            if content.save_as is not None:
                self.set_header("Content-Disposition", _attachment(content.save_as))
            await self._copy(content.file, first, last - first + 1, content.media_type)

    async def _refuse_part(self, asked: str, size: int) -> None:
        """Say how large it is; an error that is raised would lose that header."""
        message = f"{asked[:100]!r} is no part of {size} bytes"
        self.set_status(416)
        self.set_header("Content-Range", f"bytes */{size}")
        told = Error(code="range-not-satisfiable", message=message, next=None)
        await self.finish(told.model_dump_json())

    async def _copy(self, file: Any, first: int, size: int, media_type: str) -> None:
        await self.quick.run(file.seek, first)
        while size > 0:
            piece = await self.quick.run(file.read, min(size, 1 << 20))
            if not piece:
                break  # it has become shorter: the length that was promised tells
            size -= len(piece)
            self.write(piece)
            await self.flush()
        await self.finish(set_content_type=media_type)

    def compute_etag(self) -> None:
        """Return nothing: files have tags of their own, and nothing else is kept by browsers."""
        return None

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what was wrong, never with a traceback."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        status, told = _told(status_code, error)
        self.set_status(status)
        self.finish(told.model_dump_json())

    def on_finish(self) -> None:
        """Count it."""
        route = next(iter(self.routes.values()), None)
        metrics.served(route.path if route else "none", self.get_status())
        super().on_finish()

    def log_exception(self, *exc_info: Any) -> None:
        """Log only what is our fault: the rest was told to whoever asked."""
        if not isinstance(exc_info[1], (FlotillaError, ValidationError)):
            super().log_exception(*exc_info)


class NoSuchRoute(ApiHandler):
    """Answers what no route serves."""

    def initialize(self) -> None:  # type: ignore[override]
        """Take nothing."""
        self.routes = {}

    async def _serve(self, method: str, path: Mapping[str, str]) -> None:
        raise web.HTTPError(404, "there is no such route; GET flotilla/api/openapi.json lists all")


def _told(status: int, error: BaseException | None) -> tuple[int, Error]:
    if isinstance(error, FlotillaError):
        told = Error(code=error.code, message=error.message, next=error.next_step)
        return _status_of(error), told
    if isinstance(error, ValidationError):
        return 422, Error(code="invalid-value", message=_wrong(error), next=None)
    words = {401: "unauthenticated", 403: "forbidden", 404: "not-found", 405: "method-not-allowed",
             413: "too-large", 416: "range-not-satisfiable"}  # fmt: skip
    code = words.get(status, "bad-request" if status < 500 else "internal")
    message = getattr(error, "log_message", None) if isinstance(error, web.HTTPError) else None
    if status == 401:
        message = "you are not logged in to this Jupyter server"
    if status >= 500:
        message = "something went wrong in the server"
    step = "its log says what: see the terminal of jupyter lab" if status >= 500 else None
    return status, Error(code=code, message=message or code.replace("-", " "), next=step)


def _status_of(error: FlotillaError) -> int:
    if isinstance(error, (RunNotFound, ScheduleNotFound, NoSuchFile)):
        return 404
    if isinstance(error, (Refused, AmbiguousRun, ScheduleChanged, InvalidTransition)):
        return 409
    if isinstance(error, UsageError):
        return 422
    if isinstance(error, DiskFull):
        return 507
    # it could be done, but not as it stands here: an engine, a package, a secret is missing
    return 409 if isinstance(error, EnvironmentProblem) else 500


def _wrong(error: ValidationError) -> str:
    """Return what is wrong with what came, without repeating it whole."""
    parts = []
    for one in error.errors(include_url=False, include_context=False)[:3]:
        where = ".".join(str(part)[:60] for part in one["loc"]) or "it"
        shown = repr(one["input"])
        parts.append(f"{where}: {one['msg']} (not {shown[:60]}{'…' if len(shown) > 60 else ''})")
    return "; ".join(parts)


def _range(text: str, size: int) -> tuple[int, int] | None:
    """Return first and last byte of a ``Range``; None where it is no part of the file."""
    found = re.fullmatch(r"bytes=(\d{0,19})-(\d{0,19})", text.replace(" ", ""))
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        last_ones = int(found[2])
        return (max(0, size - last_ones), size - 1) if last_ones and size else None
    first = int(found[1])
    last = min(int(found[2]) if found[2] else size - 1, size - 1)
    return (first, last) if first <= last else None


def _attachment(name: str) -> str:
    from urllib.parse import quote

    plain = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100] or "file"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name[:200], safe='')}"
