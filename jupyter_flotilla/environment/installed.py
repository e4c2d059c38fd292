"""What is installed in an environment, by its metadata: never by parsing ``pip freeze``, whose
``@ file:///`` of conda no other machine can follow."""

import inspect
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from jupyter_flotilla.environment.entries import names_a_user


@dataclass(frozen=True, kw_only=True, slots=True)
class Dist:
    """One installed distribution."""

    #: Canonical name (PEP 503): lower case, dashes.
    name: str
    #: Version; None where it is no version of PEP 440.
    version: Version | None
    #: Its own requirements, of every extra and platform.
    requires: tuple[Requirement, ...]
    #: Folder from which it is installed and in which it is being worked on: its source travels.
    folder: Path | None = None
    #: ``git+https://…@commit``; None where it is of an index or a file.
    vcs_url: str | None = None

    @property
    def is_editable(self) -> bool:
        """True where it is a folder of this machine that no index has."""
        return self.folder is not None

    def requirement(self) -> str:
        """Return what brings this very distribution, without the local part of its version."""
        if self.vcs_url is not None:
            return f"{self.name} @ {self.vcs_url}"
        return self.name if self.version is None else f"{self.name}=={self.version.public}"


class Installed:
    """The distributions of an environment.

    Parameters
    ----------
    path
        Folders as in ``sys.path``; None: those of this very process.
    """

    def __init__(self, path: Sequence[str] | None = None) -> None:
        self._path = path

    def get(self, name: str) -> Dist | None:
        """Return a distribution by its name, in any spelling."""
        return self.all.get(canonicalize_name(name))

    def owners(self, module: str) -> set[str]:
        """Return the distributions that a module belongs to; empty: none does.

        Several may share a top-level name (``google``): then those that have the module itself.
        """
        parts = module.split(".")
        candidates = self._owners.get(parts[0], frozenset())
        if len(candidates) <= 1:
            return set(candidates)
        for length in range(len(parts), 1, -1):
            place = "/".join(parts[:length])
            exact = {name for name in candidates if self._has(name, place)}
            if exact:
                return exact
        return set(candidates) if len(parts) == 1 else set()

    def reached(self, roots: Iterable[Requirement]) -> set[str]:
        """Return the installed distributions that requirements lead to, themselves included."""
        todo = [(canonicalize_name(root.name), extra) for root in roots for extra in _extras(root)]
        done: set[tuple[str, str]] = set()
        while todo:
            name, extra = todo.pop()
            dist = self.all.get(name)
            if dist is None or (name, extra) in done:
                continue
            done.add((name, extra))
            for requirement in dist.requires:
                if applies_here(requirement, extra):
                    other = canonicalize_name(requirement.name)
                    todo += [(other, each) for each in _extras(requirement)]
        return {name for name, _ in done}

    @cached_property
    def all(self) -> Mapping[str, Dist]:
        """Every distribution by its name; of two with one name the first on the path."""
        return {name: _read(name, dist) for name, dist in self._raw.items()}

    @cached_property
    def _raw(self) -> dict[str, Distribution]:
        found = distributions() if self._path is None else distributions(path=list(self._path))
        raw: dict[str, Distribution] = {}
        for dist in found:
            # without a name where a removal has left an empty folder
            name = dist.metadata["Name"] if dist.metadata and "Name" in dist.metadata else None
            if name:
                raw.setdefault(canonicalize_name(name), dist)
        return raw

    @cached_property
    def _owners(self) -> dict[str, frozenset[str]]:
        owners: dict[str, set[str]] = {}
        for name, dist in self._raw.items():
            for top in _top_levels(dist):
                owners.setdefault(top, set()).add(name)
        return {top: frozenset(names) for top, names in owners.items()}

    def _has(self, name: str, place: str) -> bool:
        files = self._raw[name].files or ()
        return any(str(f).startswith((f"{place}/", f"{place}.")) for f in files)


def applies_here(requirement: Requirement, extra: str = "") -> bool:
    """Say whether a requirement is meant for this very Python and platform."""
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _extras(requirement: Requirement) -> tuple[str, ...]:
    return ("", *requirement.extras)


def _top_levels(dist: Distribution) -> set[str]:
    declared = (dist.read_text("top_level.txt") or "").split()
    if declared:
        return set(declared)
    places = (PurePosixPath(file) for file in dist.files or ())
    tops = {p.parts[0] if len(p.parts) > 1 else inspect.getmodulename(p.name) for p in places}
    return {top for top in tops if top and "." not in top and top != "__pycache__"}


def _read(name: str, dist: Distribution) -> Dist:
    try:
        version = Version(dist.version)
    except (InvalidVersion, TypeError, KeyError):
        version = None
    direct = _direct_url(dist)
    url = str(direct.get("url", ""))
    folder, vcs = direct.get("dir_info"), direct.get("vcs_info")
    return Dist(
        name=name,
        version=version,
        requires=tuple(_requires(dist)),
        folder=_folder(url) if isinstance(folder, dict) and folder.get("editable") else None,
        vcs_url=_vcs_url(url, vcs, direct.get("subdirectory")) if isinstance(vcs, dict) else None,
    )


def _folder(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _direct_url(dist: Distribution) -> dict[str, object]:
    """Return ``direct_url.json`` (PEP 610), empty where it is not there."""
    try:
        content = json.loads(dist.read_text("direct_url.json") or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _vcs_url(url: str, vcs: dict[str, object], folder: object) -> str | None:
    commit, kind = vcs.get("commit_id"), vcs.get("vcs")
    if kind != "git" or not commit or url.startswith("file:"):
        return None
    if names_a_user(url):  # a credential: whoever fetches it has their own
        scheme, _, rest = url.partition("://")
        url = f"{scheme}://{rest.partition('@')[2]}"
    return f"git+{url}@{commit}" + (f"#subdirectory={folder}" if folder else "")


def _requires(dist: Distribution) -> Iterable[Requirement]:
    for text in dist.requires or ():
        try:
            yield Requirement(text)
        except InvalidRequirement:  # of old packages; nobody else can read it either
            continue
