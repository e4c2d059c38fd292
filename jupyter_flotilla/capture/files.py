"""Which files travel with a job."""

from collections.abc import Iterable
from pathlib import Path

from jupyter_flotilla.errors import InvalidOption


def find_files(patterns: Iterable[str], cwd: Path) -> dict[str, Path]:
    """Return the files that patterns mean, by their path relative to ``cwd``.

    A folder means all that is in it. What leads out of ``cwd``, by ``..``, an absolute path or a
    link, is refused: in the job it would have no place.

    Raises
    ------
    InvalidOption
        If a pattern matches nothing or leads out of ``cwd``.
    """
    root = cwd.resolve()
    found: dict[str, Path] = {}
    for pattern in patterns:
        for path in _matches(pattern, root):
            real = path.resolve()
            if not real.is_relative_to(root):
                raise InvalidOption(
                    f"--files {pattern}: {real} lies outside of {root}",
                    next_step=f"copy it below {root}, where the job's own copy will be",
                )
            found[str(path.relative_to(root))] = real
    return found


def _matches(pattern: str, root: Path) -> list[Path]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise InvalidOption(
            f"--files {pattern}: only paths below {root} can travel",
            next_step="write a path or pattern relative to the notebook's folder",
        )
    plain = root / pattern
    matches = [plain] if plain.exists() else sorted(root.glob(pattern))
    files = [
        path
        for match in matches
        for path in (sorted(match.rglob("*")) if match.is_dir() else [match])
        if path.is_file()
    ]
    if not files:
        raise InvalidOption(
            f"--files {pattern}: no file matches below {root}",
            next_step="paths are relative to the notebook's folder; quote patterns for the shell",
        )
    return files
