"""Options that a job gets without being told: from notebook, project, user and profile."""

import json
import os
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_flotilla.capture.header import header_of_file
from jupyter_flotilla.errors import InvalidOption, InvalidSettings
from jupyter_flotilla.model.option import Option
from jupyter_flotilla.model.precedence import PER_RUN, Consent, Resolution, Source, consent_of
from jupyter_flotilla.model.precedence import resolve as resolve_sources
from jupyter_flotilla.protocol import write_json
from jupyter_flotilla.settings import JobDefaults, load_job_defaults, settings_file

#: What the command line and Python keywords are called.
EXPLICIT = "what you asked for"


class Defaults:
    """Where options come from on this machine, for this user.

    Parameters
    ----------
    home
        Folder of the user's consents.
    table
        Options that can be given.
    bills
        Says of an engine's name whether it bills.
    """

    def __init__(
        self,
        home: Path,
        table: Sequence[Option],
        bills: Callable[[str], bool],
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._consents = home / "consents.json"
        self._table = table
        self._bills = bills
        self._environ = environ

    def resolve(
        self,
        given: Mapping[str, Any],
        *,
        file: Path | None = None,
        folder: Path,
        session: Mapping[str, Any] | None = None,
    ) -> Resolution:
        """Return what a job gets that is asked for with these keywords.

        Precedence: given > its profile > the ``#|`` lines at the top of the notebook or Python file
        > the notebook's metadata > the session > FLOTILLA_* > the project's file > the user's file.

        Parameters
        ----------
        file
            Notebook or Python file that runs, or whose cell does; None: there is none.
        session
            What ``%flotilla set`` has set.

        Raises
        ------
        InvalidOption, InvalidSettings
            With the source that is wrong.
        """
        users, project = load_job_defaults(self._environ), self._project(folder)
        sources = [Source(name=EXPLICIT, written=_without_profile(given), is_request=True)]
        if given.get("profile"):
            sources.append(self._profile(str(given["profile"]), users, project))
        if file is not None:
            sources += self._of_file(file)
        if session:
            sources.append(Source(name="%flotilla set", written=session))
        sources += self._variables()
        if project is not None:
            sources.append(self._unseen(project.source, project.defaults))
        sources.append(Source(name=users.source, written=users.defaults))
        return resolve_sources(self._table, sources, bills=self._bills)

    def resolve_changes(self, given: Mapping[str, Any], *, folder: Path) -> Resolution:
        """Return what is to change of a job that was frozen: nothing but what is asked for."""
        sources = [Source(name=EXPLICIT, written=_without_profile(given), is_request=True)]
        if given.get("profile"):
            users, project = load_job_defaults(self._environ), self._project(folder)
            sources.append(self._profile(str(given["profile"]), users, project))
        return resolve_sources(self._table, sources, bills=self._bills)

    def wishes(self, path: Path) -> list[Consent]:
        """Return what a notebook, or the project of a folder, asks consent for."""
        folder = path if path.is_dir() else path.parent
        project = self._project(folder)
        sources = [] if path.is_dir() else self._of_file(path)
        if project is not None:
            sources.append(self._unseen(project.source, project.defaults))
            for name, options in project.profiles.items():
                sources.append(self._unseen(f"{project.source} [profiles.{name}]", options))
        return [consent for source in sources if (consent := consent_of(source)) is not None]

    def agree(self, consents: Collection[Consent], *, undo: bool = False) -> None:
        """Write down that the user agrees, or no longer does."""
        digests = {consent.digest for consent in consents}
        known = set(self._agreed())
        known = known - digests if undo else known | digests
        self._consents.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(str(self._consents), {"agreed": sorted(known)})

    def _agreed(self) -> list[str]:
        try:
            return list(json.loads(self._consents.read_text())["agreed"])
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _profile(self, name: str, users: JobDefaults, project: JobDefaults | None) -> Source:
        name = name.removeprefix("@")
        if name in users.profiles:
            return Source(name=f"profile @{name} ({users.source})", written=users.profiles[name])
        if project is not None and name in project.profiles:
            return self._unseen(f"{project.source} [profiles.{name}]", project.profiles[name])
        known = sorted({*users.profiles, *(project.profiles if project else ())})
        has = f"there are {', '.join('@' + one for one in known)}" if known else "there is none yet"
        raise InvalidOption(
            f"there is no profile @{name}; {has}",
            next_step=f"write [profiles.{name}] into {users.source}",
        )

    def _of_file(self, path: Path) -> list[Source]:
        path = path.expanduser().absolute()  # it is named in a consent
        metadata: Any = None
        header: dict[str, str] = {}
        # whoever runs it says what is wrong with the file
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            keywords = (option.py for option in self._table if option.py not in PER_RUN)
            header = header_of_file(path, keywords)
        with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
            metadata = json.loads(path.read_text(encoding="utf-8"))["metadata"]["flotilla"]
        return [
            self._unseen(f"{path} (#| lines)", header),
            self._unseen(f"{path} (metadata)", metadata if isinstance(metadata, dict) else {}),
        ]

    def _variables(self) -> Iterator[Source]:
        for option in self._table:
            # settings as well: what "auto", and an engine with images, mean
            if option.py in PER_RUN or option.py in ("engine", "image"):
                continue
            variable = f"FLOTILLA_{option.name.upper().replace('-', '_')}"
            if self._environ.get(variable):
                yield Source(name=variable, written={option.py: self._environ[variable]})

    def _project(self, folder: Path) -> JobDefaults | None:
        own = settings_file(self._environ)
        for place in (folder, *folder.parents):
            for path in (place / "flotilla.toml", place / "pyproject.toml"):
                if path == own or not path.is_file():
                    continue
                found = _read_project(path)
                if found is not None:
                    return found
        return None

    def _unseen(self, name: str, written: Mapping[str, Any]) -> Source:
        source = Source(name=name, written=written, is_users_own=False)
        consent = consent_of(source)
        if consent is None or consent.digest not in self._agreed():
            return source
        return Source(name=name, written=written, is_users_own=False, has_consent=True)


def _without_profile(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if key != "profile"}


def _read_project(path: Path) -> JobDefaults | None:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        if path.name == "pyproject.toml":
            return None  # somebody else's file, in whatever state
        raise InvalidSettings(
            f"{path} cannot be read as TOML: {error}", next_step="mend or remove that file"
        ) from error
    if path.name == "pyproject.toml":
        table = table.get("tool", {}).get("flotilla")
        if table is None:
            return None
    return JobDefaults.of(table, str(path))
