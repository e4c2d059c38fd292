"""What is asked: one JobSpec, frozen at submit.

Everything that decides how the job runs is inside: whoever launches it, from whichever
environment and folder, runs the same thing.
"""

import re
import unicodedata
from typing import Any, Literal, Self

from pydantic import model_validator

from jupyter_flotilla.errors import InvalidOption
from jupyter_flotilla.model.base import Stored
from jupyter_flotilla.model.resources import Resources

#: Kinds of job. ``notebook``: a file with parameters; ``cell``: source text; ``command``: argv.
JobKind = Literal["notebook", "cell", "command"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Kernel(Stored):
    """A kernelspec as it was at submit."""

    #: Name under which it was installed, e.g. ``python3``.
    name: str
    #: Language, e.g. ``python``.
    language: str
    #: Command with ``{connection_file}`` still in it.
    argv: tuple[str, ...]
    env: dict[str, str] = {}
    #: ``signal`` or ``message``: how the kernel wants to be interrupted.
    interrupt_mode: str = "signal"


class SecretRef(Stored):
    """Where a secret's value is to be read at launch. The value itself is never in a spec."""

    #: Environment variable that the job finds it in.
    name: str
    #: ``keyring:SERVICE/USER``, ``file:/path``, ``ssm:/PARAMETER`` or ``sm:SECRET[:KEY]``.
    source: str


class OnOom(Stored):
    """What to do when an attempt is out of memory: again, with twice as much."""

    #: Never more than this, in MiB; None: four doublings.
    cap_mib: int | None = None


#: `Origin.frontend` where VS Code has the notebook open.
VS_CODE = "vscode"


class Origin(Stored):
    """Where a cell was sent from, as far as its frontend tells."""

    #: Absolute path of the notebook; None where there is none, or nobody says.
    notebook: str | None = None
    #: Id of the cell in its notebook (format 4.5); None where the frontend does not send it.
    cell_id: str | None = None
    #: Id of the kernel; None in a terminal.
    kernel_id: str | None = None
    #: Number in ``In[…]``.
    number: int | None = None
    #: `VS_CODE`; None: another, or none.
    frontend: str | None = None


class Bucket(Stored):
    """Where a job gets and gives its files, if not in folders of one machine."""

    #: ``s3://BUCKET/PREFIX``.
    url: str
    region: str
    #: URL of a store that is not AWS's.
    endpoint: str | None = None
    #: AWS profile by which it is reached from here; None: as AWS's own tools choose.
    profile: str | None = None


class JobSpec(Stored):
    """A job, whole: what runs, where, with how much, and until when."""

    kind: JobKind
    name: str
    #: Key of the frozen source among the run's artifacts; None for a command.
    source: str | None = None
    #: Program and arguments of a command; empty for the other kinds.
    command: tuple[str, ...] = ()
    #: Absolute path of the notebook or script that was submitted, to tell runs apart by it.
    path: str | None = None
    #: What was frozen of it, where that changes from run to run: a commit, or a digest of the file.
    revision: str | None = None
    #: Who edited it last, as git or the file system knows them; None: nobody says.
    author: str | None = None
    #: Names of a cell that come back as values.
    outputs: tuple[str, ...] = ()
    #: None for what no cell has sent.
    origin: Origin | None = None
    #: Parameters that were injected into the notebook, JSON values by name.
    params: dict[str, Any] = {}
    #: Working directory: of the notebook, or of whoever submitted.
    cwd: str
    #: True where the job gets a folder of its own that holds ``files`` only.
    own_cwd: bool = False
    #: What was asked for with ``--files``, relative to ``cwd``: what it meant at submit travels.
    files: tuple[str, ...] = ()
    #: Patterns of files that come back, relative to the job's working directory.
    fetch: tuple[str, ...] = ()
    #: Python that runs the job's runner.
    interpreter: str
    #: None for a command.
    kernel: Kernel | None = None
    #: The job's whole environment, secrets excepted.
    env: dict[str, str] = {}
    #: Mask of the permissions of files that the job makes.
    umask: int = 0o022
    secrets: tuple[SecretRef, ...] = ()
    tags: dict[str, str] = {}
    #: Who is told of what: see `model.notice`.
    notify: tuple[str, ...] = ()
    #: What gets an address that stays: see `model.publish`.
    publish: tuple[str, ...] = ()
    resources: Resources = Resources()
    #: True where ``--cpu`` was given: thread pools are told then, and left alone otherwise.
    has_cpu_hint: bool = False
    #: Seconds after which the job is stopped; None: never.
    timeout_s: int | None = None
    #: US dollars, over all attempts, after which the job is stopped; None: no cap.
    max_cost_usd: float | None = None
    #: Further attempts after an error or a timeout of the job.
    retries: int = 0
    #: None: an attempt that is out of memory was the last.
    on_oom: OnOom | None = None
    #: Container image; None where jobs run without one.
    image: str | None = None
    #: None: folders of the machine that runs it.
    bucket: Bucket | None = None
    #: Name of the layer of packages that the image lacks; None: it has all.
    layer: str | None = None
    #: What is in it, ``name==version``.
    packages: tuple[str, ...] = ()
    #: Network of the container; None: the engine's usual one.
    network: str | None = None
    #: Name of the role that the job has; None: the usual one of its owner's jobs.
    role: str | None = None
    engine: str
    #: See `Handle.place`.
    place: str

    @model_validator(mode="after")
    def _kind_has_its_parts(self) -> Self:
        if self.kind == "command" and not self.command:
            raise ValueError("a command needs at least its program")
        if self.kind != "command" and (self.source is None or self.kernel is None):
            raise ValueError(f"a {self.kind} needs a source and a kernel")
        return self


def check_name(name: str) -> str:
    """Return ``name`` if a run may be called so.

    Letters, digits, ``.``, ``_`` and ``-``, at most 100: a name is a path segment in
    ``--save``, a tag on AWS, a word in a shell and text in HTML, and must mean the same in all.

    Raises
    ------
    InvalidOption
        Otherwise, with a name that would do.
    """
    if _NAME.fullmatch(name) is None:
        shown = name if len(name) <= 60 else name[:57] + "…"
        raise InvalidOption(
            f"--name {shown!r} has other characters than letters, digits, '.', '_' and '-', "
            "does not begin with a letter or digit, or is longer than 100",
            next_step=f"--name {slug(name)}",
        )
    return name


def slug(text: str, fallback: str = "job") -> str:
    """Return a legal name that resembles ``text``.

    >>> slug("Überblick <b>2026</b>.v2")
    'Uberblick-b-2026-b-.v2'
    """
    ascii_text = unicodedata.normalize("NFKD", text[:400]).encode("ascii", "ignore").decode()
    legal = re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_text).lstrip("._-").rstrip("-")
    return legal[:100] or fallback
