"""From what the user has in hand to a draft, on whichever engine."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jupyter_flotilla.artifacts.mirrored import MirroredArtifacts
from jupyter_flotilla.capture.again import draft_again
from jupyter_flotilla.capture.draft import Draft, check_honoured
from jupyter_flotilla.capture.elsewhere import moved
from jupyter_flotilla.capture.function import Calls, call_each, draft_calls, one_call
from jupyter_flotilla.capture.notebook import draft_notebook, draft_points
from jupyter_flotilla.capture.sent_cell import Asked, Sender, SentCell, draft_sent_cell
from jupyter_flotilla.capture.source import draft_cell, draft_command, draft_file
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.errors import InvalidNotebook
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.run import Run
from jupyter_flotilla.provision import Provision


class Drafting(ABC):
    """What a façade can make drafts of."""

    artifacts: MirroredArtifacts
    provision: Provision

    @abstractmethod
    def engine(self, name: str) -> Engine:
        """Return an engine; ``auto`` is the configured one. Raises UnknownEngine."""

    def draft_file(self, path: Path, options: JobOptions) -> Draft:
        """Return the job that runs a notebook (``.ipynb``) or Python file (``.py``)."""
        engine = self.engine(options.engine)
        if path.suffix == ".py":
            return self._resolved(draft_file(path, options, engine=engine), options)
        if path.suffix == ".ipynb" or not path.is_file():
            return self._resolved(draft_notebook(path, options, engine=engine), options)
        raise InvalidNotebook(
            f"{path} is neither a notebook (.ipynb) nor a Python file (.py)",
            next_step=f"run it as a command: jupyter flotilla run -- PROGRAM {path}",
        )

    def draft_points(
        self, path: Path, options: JobOptions, points: Sequence[dict[str, Any]]
    ) -> list[Draft]:
        """Return the jobs that run a notebook, each with the parameters of its point."""
        engine = self.engine(options.engine)
        if path.suffix == ".py":
            raise InvalidNotebook(
                f"{path} is no notebook, and only notebooks take parameters",
                next_step="a .ipynb with a cell tagged 'parameters'",
            )
        drafts = draft_points(path, options, points, engine=engine)
        return self._all_resolved(drafts, options)

    def draft_source(self, text: str, options: JobOptions, cwd: Path) -> Draft:
        """Return the job that runs source text as one cell."""
        draft = draft_cell(text, options, cwd=cwd, engine=self.engine(options.engine))
        return self._resolved(draft, options)

    def draft_sent_cell(
        self,
        body: str,
        options: JobOptions,
        asked: Asked,
        sender: Sender,
        *,
        lines_before: int,
        folder: Path,
    ) -> SentCell:
        """Return the job that runs a cell with what it needs of its namespace."""
        sent = draft_sent_cell(
            body, options, asked, sender, lines_before=lines_before, folder=folder,
            engine=self.engine(options.engine),
        )  # fmt: skip
        return replace(sent, draft=self._resolved(sent.draft, options))

    def draft_call(
        self, function: Callable[..., Any], args: Sequence[Any], options: JobOptions, folder: Path
    ) -> Draft:
        """Return the job that calls a function once; its values are written into ``folder``."""
        return self._resolved(self._draft_calls(one_call(function, args), options, folder), options)

    def draft_map(
        self,
        function: Callable[..., Any],
        chunks: Sequence[Sequence[Any]],
        options: JobOptions,
        folder: Path,
    ) -> list[Draft]:
        """Return the jobs that call a function with each item of a chunk, a job a chunk."""
        drafts = []
        for number, chunk in enumerate(chunks):
            values = folder / str(number)
            values.mkdir()
            drafts.append(self._draft_calls(call_each(function, chunk), options, values))
        return self._all_resolved(drafts, options)

    def _draft_calls(self, calls: Calls, options: JobOptions, folder: Path) -> Draft:
        engine = self.engine(options.engine)
        return draft_calls(calls, options, folder=folder, cwd=Path.cwd(), engine=engine)

    def draft_command(self, argv: Sequence[str], options: JobOptions, cwd: Path) -> Draft:
        """Return the job that runs a command."""
        draft = draft_command(argv, options, cwd=cwd, engine=self.engine(options.engine))
        return self._resolved(draft, options)

    def draft_retry(self, run: Run, options: JobOptions) -> Draft:
        """Return the job of an earlier run, with changes."""
        before = self.engine(run.spec.engine)
        engine = before if options.engine == "auto" else self.engine(options.engine)
        check_honoured(options, engine)
        spec, notes = run.spec, tuple[str, ...]()
        if engine.name != before.name:
            spec, notes = moved(spec, before, engine)
            engine.check_files()
        if options.image is None and spec.image != run.spec.image:
            options = options.model_copy(update={"image": spec.image})
        draft = draft_again(spec, self.artifacts.input_folder(run.id), options)
        draft = replace(draft, notes=(*notes, *draft.notes))
        return self.provision.resolve_again(draft, options, engine)

    def _resolved(self, draft: Draft, options: JobOptions) -> Draft:
        [draft] = self._all_resolved([draft], options)
        return draft

    def _all_resolved(self, drafts: Sequence[Draft], options: JobOptions) -> list[Draft]:
        found = self.provision.resolve(drafts, options, self.engine(options.engine))
        if (bucket := found[0].spec.bucket) is not None:
            self.artifacts.learn_expiry(bucket, utc_now())
        return found
