"""The daemon's images: built, named and listed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from jupyter_flotilla.engines.docker.daemon import Daemon
from jupyter_flotilla.engines.docker.refusals import MAKE_ROOM, has_no_room
from jupyter_flotilla.errors import DiskFull, EnvironmentProblem

#: A step may be silent for so long: to compile gigabytes of packages takes minutes.
_STEP_TIMEOUT_S = 3_600
_LAST_LINES = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredImage:
    """An image that the daemon has."""

    id: str
    #: ``NAME:TAG`` of each of its names; empty where another image has taken its name.
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    #: Bytes, those of its base included.
    size: int
    created_at: datetime


class ImageStore(Daemon):
    """Images of a daemon. Methods raise EngineUnavailable if it is not there."""

    def build(
        self,
        context: IO[bytes],
        tag: str,
        arguments: Mapping[str, str],
        tell: Callable[[str], None],
    ) -> None:
        """Build an image without any network, by the classic builder.

        Parameters
        ----------
        context
            A tar file, from its beginning.
        arguments
            Of ``ARG``.
        tell
            Takes each step as it begins.

        Raises
        ------
        DiskFull, EnvironmentProblem
            If a step fails, with what it said last.
        """
        said: list[str] = []
        error = None
        with self._asking():
            stream = self._client.api.build(
                fileobj=context,
                custom_context=True,
                tag=tag,
                buildargs=dict(arguments),
                network_mode="none",
                rm=True,
                forcerm=True,
                decode=True,
                timeout=_STEP_TIMEOUT_S,
            )
            for record in stream:
                error = record.get("error", error)
                line = str(record.get("stream", "")).strip()
                if line:
                    said.append(line)
                if line.startswith("Step "):
                    tell(line)
        if error is not None:  # after the last record: the connection is whole then
            raise _failure(str(error), said)

    def tag(self, image: str, name: str) -> None:
        """Give an image another name."""
        repository, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = name, "latest"
        with self._asking():
            self._client.images.get(image).tag(repository, tag)

    def find(self, name: str) -> StoredImage | None:
        """Return the image of a name; None: there is none here."""
        with self._asking():
            import docker.errors

            try:
                attrs = self._client.images.get(name).attrs
            except docker.errors.ImageNotFound:
                return None
        created = datetime.fromisoformat(attrs["Created"][:19]).replace(tzinfo=UTC)
        labels = (attrs.get("Config") or {}).get("Labels")
        return _stored(attrs, labels, created)

    def labelled(self, label: str) -> list[StoredImage]:
        """Return the images that have a label and a name, the newest first."""
        with self._asking():
            found = self._looking_client.api.images(filters={"label": label, "dangling": False})
        images = [
            _stored(one, one.get("Labels"), datetime.fromtimestamp(one["Created"], UTC))
            for one in found
        ]
        return sorted(images, key=lambda image: image.created_at, reverse=True)

    def pinned(self, name: str) -> str:
        """Return an image's name with the digest that its registry has given it, if one has."""
        with self._asking():
            digests = self._client.images.get(name).attrs.get("RepoDigests") or []
        if "@" in name or not digests:
            return name
        return f"{name}@{digests[0].partition('@')[2]}"


def _stored(attrs: Mapping[str, Any], labels: Any, created_at: datetime) -> StoredImage:
    return StoredImage(
        id=str(attrs["Id"]),
        tags=tuple(sorted(tag for tag in attrs.get("RepoTags") or () if tag != "<none>:<none>")),
        labels=labels or {},
        size=int(attrs["Size"]),
        created_at=created_at,
    )


def _failure(error: str, said: list[str]) -> EnvironmentProblem:
    last = "\n  ".join(said[-_LAST_LINES:])
    if has_no_room(f"{error}{last}"):
        return DiskFull(f"the daemon has no room for the image: {error}", next_step=MAKE_ROOM)
    return EnvironmentProblem(
        f"the image cannot be built: {error}" + (f"\n  {last}" if last else ""),
        next_step="--base with another image; --print-dockerfile shows what is done",
    )
