"""Threads that do the work of requests, and never keep a server from ending."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from threading import Thread
from typing import Any


class Threads:
    """A few threads that take one piece of work after the other.

    `concurrent.futures` waits for its own at the end of the process, whatever they do: a plan that
    resolves packages would keep the server's terminal for minutes.
    """

    def __init__(self, count: int, name: str) -> None:
        self._queue: SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = SimpleQueue()
        for number in range(count):
            Thread(target=self._work, name=f"{name}-{number}", daemon=True).start()

    async def run(self, call: Callable[..., Any], *values: Any) -> Any:
        """Return what a call returns, done in one of the threads."""
        future: Future[Any] = Future()
        self._queue.put((future, lambda: call(*values)))
        return await asyncio.wrap_future(future)

    def _work(self) -> None:
        while True:
            future, call = self._queue.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
