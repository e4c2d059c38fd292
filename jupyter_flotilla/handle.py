"""What the user holds: one run, seen from any process, at any time."""

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Unpack

from jupyter_flotilla import links, protocol, render, run_card
from jupyter_flotilla.errors import InvalidOption, RunCancelled, RunFailed, WaitTimeout
from jupyter_flotilla.fetched import Files
from jupyter_flotilla.in_bucket import as_dict, in_bucket
from jupyter_flotilla.logs import Logs, piece_text
from jupyter_flotilla.model.attempt import Attempt
from jupyter_flotilla.model.cost import Cost
from jupyter_flotilla.model.options import OptionKeywords
from jupyter_flotilla.model.retention import InBucket
from jupyter_flotilla.model.run import Run, RunStatus
from jupyter_flotilla.model.units import format_duration, parse_duration
from jupyter_flotilla.outputs import Outputs
from jupyter_flotilla.service import Flotilla
from jupyter_flotilla.usage import UsageSeries

#: How often an awaited run is looked at, in seconds.
_AWAIT_S = 0.2


def _find(run_id: str) -> "RunHandle":
    """Return a handle that was pickled, over the store of whoever unpickles it."""
    found = import_module("jupyter_flotilla.api").get(run_id)  # api is above this module
    assert isinstance(found, RunHandle)
    return found


class RunHandle:
    """A run in the user's hand: a snapshot, and the verbs that renew it."""

    def __init__(self, flotilla: Flotilla, run: Run) -> None:
        self._flotilla = flotilla
        self._run = run
        self._head: Sequence[str] | None = None

    @property
    def id(self) -> str:
        """``r`` and 12 characters."""
        return self._run.id

    @property
    def name(self) -> str:
        """The job's name."""
        return self._run.name

    @property
    def short_id(self) -> str:
        """The shortest prefix of the id that names this run alone."""
        return self._flotilla.short_id(self.id)

    @property
    def snapshot(self) -> Run:
        """The run as it was when last read."""
        return self._run

    @property
    def status(self) -> RunStatus:
        """Where the run is now."""
        return self.refresh()._run.status

    @property
    def attempts(self) -> list[Attempt]:
        """All launches of this run, first to last."""
        return self._flotilla.attempts(self.id)

    @property
    def cost(self) -> Cost:
        """What the run has cost so far, or would have."""
        return self._flotilla.cost(self.refresh()._run, self.attempts)

    @property
    def outputs(self) -> Outputs:
        """Values that a cell has given back (``-o``), read when they are taken."""
        run = self.refresh()._run
        number = max(1, run.attempt)
        bring = partial(self._flotilla.artifacts.bring, run.id, number)
        return Outputs(self._flotilla.attempt_folder(run.id, number), bring)

    @property
    def usage(self) -> UsageSeries:
        """Memory and CPU of the latest attempt over time."""
        return UsageSeries.read(self._folder())

    @property
    def notebook(self) -> Any:
        """The executed notebook as an `nbformat.NotebookNode`: so far, while it runs.

        Raises
        ------
        FileNotFoundError
            If there is none (yet): see `notebook_path`.
        """
        import nbformat

        return nbformat.read(self.notebook_path, as_version=4)

    @property
    def notebook_path(self) -> Path:
        """Where the executed notebook is, as soon as there is one."""
        return self._folder() / protocol.NOTEBOOK

    @property
    def in_bucket(self) -> InBucket | None:
        """What the run has in a bucket, and until when; None: its files are here alone."""
        return in_bucket(self._flotilla, self._run)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunHandle) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return _find, (self.id,)  # the run is in the store: its id is all that travels

    def refresh(self) -> "RunHandle":
        """Read the run again and return this handle."""
        self._run = self._flotilla.get(self.id)
        return self

    def headed(self, lines: Sequence[str]) -> "RunHandle":
        """Have its card begin with what was said at its launch; return this handle."""
        self._head = lines
        return self

    def renew(self, snapshot: Run) -> None:
        """Take over a snapshot that somebody has read."""
        self._run = snapshot

    def done(self) -> bool:
        """Say whether the run is final."""
        return self.status.is_final

    def wait(self, timeout: float | str | None = None) -> "RunHandle":
        """Return once the run is final.

        Parameters
        ----------
        timeout
            Seconds, or text such as ``'2h'``; None: as long as it takes.

        Raises
        ------
        WaitTimeout
            If it is not final by then; the run goes on.
        """
        limit = parse_duration(timeout) if isinstance(timeout, str) else timeout
        began = time.monotonic()
        for _ in self.changes():
            if self._run.status.is_final:
                return self
            if limit is not None and time.monotonic() > began + limit:
                raise WaitTimeout(
                    f"run {self.short_id} is still {self._run.status} "
                    f"after {format_duration(limit)}",
                    next_step="it goes on; wait() again, or cancel()",
                )
        raise AssertionError("changes() ends only with the run")

    def changes(self, every_s: float = 1.0) -> Iterator["RunHandle"]:
        """Yield this handle, renewed, at every change and at least so often, until it is final.

        Sees to it meanwhile that a dispatcher lives.
        """
        with closing(self._flotilla.looks(every_s)) as looks:
            for _ in looks:
                yield self.refresh()
                if self._run.status.is_final:
                    return

    def __await__(self) -> Generator[Any, None, "RunHandle"]:
        """Wait as `wait`, without holding up the event loop.

        To cancel the waiting, as ■ does in a notebook, cancels the run: it is what is awaited.
        """
        return self._final().__await__()

    async def _final(self) -> "RunHandle":
        import asyncio

        try:
            while not await asyncio.to_thread(self.done):
                await asyncio.to_thread(self._flotilla.ensure_dispatcher)
                # ipykernel brings an interrupt to an `await` when its sleep has ended
                await asyncio.sleep(_AWAIT_S)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self.cancel()
            raise
        return self

    def result(self, timeout: float | str | None = None) -> Any:
        """Wait, and return what the job gave.

        Returns
        -------
        of a notebook, the executed notebook; of a cell, the MIME bundle of its last expression
        (``{"text/plain": …}``) or None; of a function, what it returned; of a command, what it
        wrote to stdout.

        Raises
        ------
        RunFailed, RunCancelled
            With the explanation.
        WaitTimeout
        """
        self.wait(timeout)
        error = self.exception()
        if error is not None:
            raise error
        if self._run.spec.kind == "notebook":
            return self.notebook
        if protocol.RETURNED in self._run.spec.outputs:
            return self.outputs[protocol.RETURNED]
        records = protocol.StreamReader(str(self._folder())).read()
        if self._run.spec.kind == "command":
            texts = (record["text"] for record in records if record["kind"] == "stdout")
            return "".join(piece_text("stdout", text) for text in texts)
        results = [record["data"] for record in records if record["kind"] == "result"]
        return results[-1] if results else None

    def exception(self) -> RunFailed | None:
        """Return why the run did not succeed, or None; None also while it is not final."""
        status = self.status
        if status is RunStatus.FAILED:
            return RunFailed(str(self.explain()))
        return RunCancelled(str(self.explain())) if status is RunStatus.CANCELLED else None

    def logs(self, tail: int | None = None, follow: bool = False) -> Logs:
        """Return what the job wrote.

        Parameters
        ----------
        tail
            Only so many last lines; None: all.
        follow
            Iterating goes on until the run is final.
        """
        return Logs(self._flotilla, self._run, tail=tail, follow=follow)

    def files(self, attempt: int | None = None) -> Files:
        """Return the files that an attempt has brought back (``fetch``): path → size in bytes.

        Parameters
        ----------
        attempt
            Its number, from 1; None: the last one. Raises InvalidOption where there is none.
        """
        run = self.refresh()._run
        number = max(1, run.attempt) if attempt is None else attempt
        if not 1 <= number <= max(1, run.attempt):
            raise InvalidOption(
                f"run {self.short_id} has no attempt {number}",
                next_step=f"a number from 1 to {max(1, run.attempt)}",
            )
        artifacts = self._flotilla.artifacts
        return Files(
            self._flotilla.attempt_folder(run.id, number),
            partial(artifacts.bring, run.id, number),
            partial(artifacts.link, run.id, number),
        )

    def download(
        self,
        *patterns: str,
        to: str | Path = ".",
        force: bool = False,
        attempt: int | None = None,
    ) -> list[Path]:
        """Copy files that came back into a folder, all or those that match; return their paths.

        >>> run.download("*.png", to="plots")                    # doctest: +SKIP

        Raises as `fetched.Files.download`: nothing is overwritten without ``force``.
        """
        return self.files(attempt).download(patterns, Path(to), force=force)

    def cancel(self, grace: float | str = 10.0) -> "RunHandle":
        """Ask for the run to end and return at once.

        Parameters
        ----------
        grace
            Seconds, or text such as ``'1m'``, between SIGINT and force; 0 kills at once.
        """
        grace_s = float(parse_duration(grace)) if isinstance(grace, str) else float(grace)
        self._run = self._flotilla.cancel(self.id, grace_s)
        return self

    def retry(self, *, confirm: bool = True, **options: Unpack[OptionKeywords]) -> "RunHandle":
        """Submit what was frozen for this run again, with changes; return the new run.

        Its job finds in `job.checkpoint_dir` what this run, or those that it repeats, saved last.

        >>> run.retry(memory="32G")                              # doctest: +SKIP

        Raises
        ------
        InvalidOption, EngineUnavailable
        Refused
            If there is something to agree to, and ``confirm`` is not False.
        """
        draft = self._flotilla.draft_retry(self._run, self._flotilla.changes(options))
        self._flotilla.plan(draft).check_consent(confirm=confirm)
        return RunHandle(self._flotilla, self._flotilla.submit(draft, retry_of=self.id))

    def detach(self) -> "RunHandle":
        """Let every cell and terminal that waits for this run go on without it; the run goes on."""
        self._flotilla.detach(self.id)
        return self

    def detached_at(self) -> float:
        """Return when somebody last asked for that, in seconds as of files; 0: never."""
        return self._flotilla.detached_at(self.id)

    def keep(self) -> "RunHandle":
        """Keep this run whatever its age and size: neither retention nor clean deletes it.

        Nor does its bucket, once the run is final. Raises ArtifactsUnavailable where that fails.
        """
        self._flotilla.keep(self.id)
        return self

    def explain(self, last_lines: int = 5) -> render.Words:
        """Return why the run ended as it did, with evidence and what to do next."""
        run, attempt = self.refresh()._run, self._latest()
        tail = attempt.last_lines[-last_lines:] if attempt is not None and last_lines > 0 else ()
        return render.explanation(run, attempt, tail, self.short_id)

    def to_dict(self) -> dict[str, Any]:
        """Return the run, its attempts and cost as JSON values."""
        run, attempts = self.refresh()._run, self.attempts
        return {
            **run.model_dump(mode="json"),
            "attempts": [attempt.model_dump(mode="json") for attempt in attempts],
            "cost": self._flotilla.cost(run, attempts).model_dump(mode="json"),
            "folder": str(self._folder()),
            "in_bucket": as_dict(self.in_bucket),
        }

    def status_lines(self) -> list[str]:
        """Return the snapshot for a live display: two lines while it runs, else one."""
        return run_card.status_lines(self._flotilla, self._run)

    def status_line(self) -> str:
        """Return the snapshot on one line."""
        return " · ".join(self.status_lines())

    def queue_text(self) -> str:
        """Return what a queued run waits behind, in words, or nothing."""
        return run_card.queue_text(self._flotilla, self._run)

    @property
    def link(self) -> str | None:
        """Address of the run in JupyterLab; None where no Jupyter server of the user's runs."""
        return links.run_link(self.id)

    def open(self) -> None:
        """Open the run's own tab in JupyterLab: from its notebook there, else in a browser.

        Raises NoServer where no Jupyter server of the user's runs.
        """
        links.open_run(self.id)

    def _latest(self) -> Attempt | None:
        attempts = self.attempts
        return attempts[-1] if attempts else None

    def _folder(self) -> Path:
        run = self.refresh()._run
        return self._flotilla.attempt_folder(run.id, max(1, run.attempt))

    def __repr__(self) -> str:
        return f"<RunHandle {self.name} {self.refresh().status_line()}>"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        """Return the card: what JupyterLab keeps alive, and HTML of this moment."""
        run = self.refresh()._run
        card = run_card.bundle(run, run_card.card_lines(self._flotilla, run, head=self._head))
        if self._head is None:
            del card["text/plain"]  # as text, a run is its repr
        return card
