"""The packages that a draft's image lacks: resolved before the launch, built at the submit."""

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import TypeAdapter

from jupyter_flotilla.capture.draft import Draft
from jupyter_flotilla.clock import utc_now
from jupyter_flotilla.engines.base import Engine
from jupyter_flotilla.environment import (
    PROBE,
    ImageFacts,
    JobCode,
    Lock,
    Requirements,
    build_layer,
    clean_layers,
    facts_of,
    find_requirements,
    read_deps,
    read_with,
    resolve_once,
    write_tar_gz,
)
from jupyter_flotilla.errors import InvalidOption, UnsendableInput
from jupyter_flotilla.model.options import JobOptions
from jupyter_flotilla.model.resources import Arch
from jupyter_flotilla.protocol import write_json

#: Packages that a launch line names.
_SHOWN = 6
#: A layer that nobody has used for so long is deleted by whoever cleans.
_UNUSED = timedelta(days=30)


@dataclass(frozen=True, kw_only=True, slots=True)
class Provisioned:
    """What a draft needs, what its image has, and what must be brought."""

    requirements: Requirements
    facts: ImageFacts
    lock: Lock


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    """What is to be brought for some code on some image."""

    lock: Lock
    #: As it is frozen with a run.
    layer: bytes
    notes: tuple[str, ...]

    def of(self, draft: Draft) -> Draft:
        """Return a draft of that code with it."""
        update = {"layer": self.lock.key or None, "packages": self.lock.packages}
        return replace(
            draft,
            spec=draft.spec.model_copy(update=update),
            layer=self.layer,
            notes=(*draft.notes, *self.notes),
        )


def provisioned(draft: Draft) -> Provisioned | None:
    """Return what was resolved for a draft; None where it runs without an image."""
    if draft.layer is None:
        return None
    frozen = json.loads(draft.layer)
    return Provisioned(
        requirements=TypeAdapter(Requirements).validate_python(frozen["requirements"]),
        facts=ImageFacts.model_validate(frozen["facts"]),
        lock=Lock.model_validate(frozen["lock"]),
    )


class Provision:
    """What is known of images, and the layers that were built for them, in one home."""

    def __init__(self, home: Path, layers: Path) -> None:
        self._layers = layers
        self._images = home / "images"

    def resolve(self, drafts: Sequence[Draft], options: JobOptions, engine: Engine) -> list[Draft]:
        """Return drafts with the packages that their image lacks; as they are where they need none.

        Many points of a grid have one code: that is asked for once.

        Raises
        ------
        UnresolvedPackages, EnvironmentProblem, InvalidOption
            If they cannot be had, in words.
        UnsendableInput
            If a value only loads in this Python, and the image has another.
        """
        image = drafts[0].spec.image
        if engine.is_here or image is None:
            return list(drafts)
        engine.check_files()
        facts = self._facts(image, engine, drafts[0].spec.resources.arch)
        answer, code, found = None, None, []
        for draft in drafts:
            if answer is None or draft.code != code:
                _check_values(draft, facts)
                answer, code = self._asked(draft, options, facts), draft.code
            found.append(answer.of(draft))
        return found

    def _asked(self, draft: Draft, options: JobOptions, facts: ImageFacts) -> "_Answer":
        code = draft.code
        # a command brings its own program: nothing of it is known here
        deps = "none" if draft.spec.kind == "command" and not options.deps else options.deps
        requirements = find_requirements(
            read_deps(deps or "auto"),
            JobCode(
                sources=code.sources,
                modules=code.modules,
                local=code.local,
                path=Path(draft.spec.path) if draft.spec.path else None,
                cwd=Path(draft.spec.cwd),
            ),
            extra=read_with(options.extra_deps),
        )
        return self._answer(draft, requirements, facts)

    def resolve_again(self, draft: Draft, options: JobOptions, engine: Engine) -> Draft:
        """Return the draft of a retry with what is to change of its image and packages."""
        if options.deps:
            raise InvalidOption(
                "--deps cannot change: a retry brings what was frozen at the first submit",
                next_step="--with PACKAGE adds to it; or submit the job anew",
            )
        image, found = options.image or draft.spec.image, provisioned(draft)
        is_other = bool(options.image or options.extra_deps) or _is_of_other(found, draft, engine)
        if engine.is_here or image is None or not is_other:
            return draft
        extra = read_with(options.extra_deps)
        requirements = Requirements(origin="list", requirements=extra, may_build=True)
        if found is not None:
            before = found.requirements
            requirements = replace(before, requirements=(*before.requirements, *extra))
        draft = replace(draft, spec=draft.spec.model_copy(update={"image": image}))
        return self._answer(
            draft, requirements, self._facts(image, engine, draft.spec.resources.arch)
        ).of(draft)

    def build(self, draft: Draft) -> None:
        """Build a draft's layer, unless it is there; raises as `build_layer`.

        For jobs whose files go through a bucket there is a ``KEY.tar.gz`` beside it.
        """
        found = provisioned(draft)
        if found is not None and draft.spec.layer is not None:
            cwd = _existing(draft.spec.cwd)
            layer = build_layer(found.lock, found.facts, self._layers, cwd=cwd)
            archive = layer.with_name(f"{layer.name}.tar.gz")
            if draft.spec.bucket is not None and not archive.exists():
                write_tar_gz(layer, archive)

    def layer_of(self, lock: Lock) -> Path | None:
        """Return the folder of a lock's packages; None: nothing is brought, or it is not built."""
        folder = self._layers / lock.key
        return folder if lock.key and folder.is_dir() else None

    def clean(
        self, now: datetime, keep: Collection[str] = (), *, dry_run: bool = False
    ) -> list[str]:
        """Delete layers that nobody has used for a month; return their keys.

        Parameters
        ----------
        keep
            Keys of layers that open runs need, however long ago they were submitted.
        dry_run
            True: only say which.
        """
        return clean_layers(self._layers, _UNUSED, now, keep=keep, dry_run=dry_run)

    def _answer(self, draft: Draft, requirements: Requirements, facts: ImageFacts) -> "_Answer":
        self._layers.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = resolve_once(
            requirements,
            facts,
            self._layers,
            utc_now(),
            needs_kernel=draft.spec.kind != "command",
            cwd=_existing(draft.spec.cwd),
        )
        frozen = {
            "requirements": asdict(requirements),
            "facts": facts.model_dump(mode="json"),
            "lock": lock.model_dump(mode="json"),
        }
        return _Answer(
            lock=lock,
            layer=json.dumps(frozen).encode(),
            notes=tuple(_notes(facts, lock, requirements)),
        )

    def learn(self, image: str, engine: Engine, arch: Arch) -> ImageFacts:
        """Ask an image what it has, whatever that takes, and keep the answer.

        Raises
        ------
        EngineUnavailable, EnvironmentProblem
        """
        digest = engine.image_digest(image)
        facts = facts_of(engine.probe_image(image, PROBE, arch), digest=digest)
        self._keep(facts, self._facts_file(digest, arch))
        return facts

    def _facts(self, image: str, engine: Engine, arch: Arch) -> ImageFacts:
        """Return what an image has; asked once, as long as its content is the same."""
        digest = engine.image_digest(image)
        path = self._facts_file(digest, arch)
        try:
            return ImageFacts.model_validate_json(path.read_bytes())
        except (OSError, ValueError):
            facts = facts_of(engine.ask_image(image, PROBE, arch), digest=digest)
        self._keep(facts, path)
        return facts

    def _facts_file(self, digest: str, arch: Arch) -> Path:
        other = "" if arch == "x86_64" else f"-{arch}"
        return self._images / f"{digest.rpartition(':')[2]}{other}.json"

    def _keep(self, facts: ImageFacts, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(str(path), facts.model_dump(mode="json"))


def _is_of_other(found: Provisioned | None, draft: Draft, engine: Engine) -> bool:
    """Say whether a layer is for another kind of machine than its job will have."""
    if found is None or "arch" not in engine.honours:
        return False
    return (found.facts.machine == "aarch64") != (draft.spec.resources.arch == "arm64")


def _check_values(draft: Draft, facts: ImageFacts) -> None:
    here = "{}.{}".format(*sys.version_info[:2])
    if draft.code.pickled and facts.minor != here:
        raise UnsendableInput(
            f"the image has Python {facts.minor}, this is {here}: values as parquet, npy or json "
            f"are fine, but input {draft.code.pickled[0]!r} needs pickle",
            next_step=f"--image python:{here}-slim, or -i without {draft.code.pickled[0]}",
        )


def _notes(facts: ImageFacts, lock: Lock, requirements: Requirements) -> list[str]:
    """Return what the user should know: those that they have asked for by name first."""
    words = [f"image has {facts}"]
    if lock.packages:
        asked = {canonicalize_name(Requirement(text).name) for text in requirements.requirements}
        plain = [package.replace("==", " ") for package in lock.packages]
        named = [one for one in plain if canonicalize_name(one.split()[0]) in asked]
        shown = [
            *named[:_SHOWN],
            f"{len(plain) - len(named[:_SHOWN])} that they and the kernel need",
        ]
        listed = ", ".join(shown) if named else "for the kernel"
        words.append(f"{len(plain)} packages are brought: {listed}")
    return [*words, *requirements.notes, *lock.notes]


def _existing(cwd: str) -> Path | None:
    return Path(cwd) if Path(cwd).is_dir() else None
