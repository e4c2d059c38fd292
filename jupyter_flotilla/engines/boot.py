"""How an image's own Python is found, as the first process of a container."""

#: Finds a Python of at least 3.8 and becomes it.
_BOOT = """\
why='it has no Python; jobs need Python 3.8 or later in it'
for name in python3 python; do
  command -v "$name" >/dev/null 2>&1 || continue
  if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 8))'; then exec "$name" "$@"; fi
  why="jobs need Python 3.8 or later in it, and its $name is: $("$name" -V 2>&1)"
done
echo "$why"
exit 127
"""


def boot(*arguments: str) -> list[str]:
    """Return the program and arguments that start an image's own Python with some arguments."""
    return ["/bin/sh", "-c", _BOOT, "sh", *arguments]
