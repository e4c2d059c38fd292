"""Where packages come from: the user's own settings of uv and, where those are silent, of pip.

Passwords in addresses of indexes stay in the environment of uv; `Masked` takes them out of
whatever it says.
"""

import configparser
import os
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

#: Setting of pip → variable of uv (docs.astral.sh/uv, "Compatibility with pip" and "Environment
#: variables"), and what divides several values there.
_OF_PIP = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "constraint": ("UV_CONSTRAINT", " "),
    "cert": ("SSL_CERT_FILE", " "),
}
_INDEXES_OF_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL")
_KEYS_OF_UV = {"index", "index-url", "extra-index-url", "no-index"}
_URL_USER = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#'\"`<>]*@")
_USER_INFO = re.compile(r"://([^\s/?#]*)@")
_HIDDEN = "****"


def index_environment(environ: Mapping[str, str], prefix: str = sys.prefix) -> dict[str, str]:
    """Return variables of uv that say what the user's pip would do; empty where uv is told itself.

    pip takes the best version of all its indexes, and a version that is pinned here was chosen
    that way: so does uv then (``unsafe-best-match``), unless the user has set a strategy.

    Effects: reads pip's and uv's files of settings.
    """
    pip = dict(_pip_settings(environ, prefix))
    if any(environ.get(name) for name in _INDEXES_OF_UV) or _uv_has_indexes(environ):
        for key in ("index-url", "extra-index-url", "find-links"):
            pip.pop(key, None)
    found = {}
    for key, (variable, divider) in _OF_PIP.items():
        if pip.get(key) and not environ.get(variable):
            found[variable] = divider.join(pip[key].split())
    if "UV_INDEX" in found and not environ.get("UV_INDEX_STRATEGY"):
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def masked(text: str, environ: Mapping[str, str]) -> str:
    """Return text without users and passwords of addresses, and without the secrets of these.

    Parameters
    ----------
    environ
        The environment of the program that said it: passwords in its variables are known by it.
    """
    text = _URL_USER.sub(rf"\g<scheme>{_HIDDEN}@", text)
    for secret in sorted(_secrets(environ), key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


def _secrets(environ: Mapping[str, str]) -> set[str]:
    found: set[str] = set()
    for name, value in environ.items():
        if name.startswith("UV_INDEX_") and name.endswith(("_PASSWORD", "_USERNAME")):
            found.add(value)
        if name.startswith(("UV_", "PIP_")):
            for user in _USER_INFO.findall(value):
                password = user.partition(":")[2] or user
                found |= {user, password, unquote(password)}
    # a short word would be found everywhere
    return {secret for secret in found if len(secret) >= 4 and secret != _HIDDEN}


def _pip_settings(environ: Mapping[str, str], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield pip's settings, the stronger later (pip.pypa.io, "Configuration")."""
    for path in _pip_files(environ, prefix):
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, OSError, ValueError):
            continue  # pip itself will tell
        for section in ("global", "install"):
            if parser.has_section(section):
                for key, value in parser.items(section):
                    yield key.replace("_", "-"), value
    for key in _OF_PIP:
        given = environ.get("PIP_" + key.upper().replace("-", "_"))
        if given:
            yield key, given


def _pip_files(environ: Mapping[str, str], prefix: str) -> Iterator[Path]:
    only = environ.get("PIP_CONFIG_FILE")
    if only == os.devnull:
        return
    for folder in reversed((environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    home = environ.get("HOME")
    if home:
        yield Path(home, ".pip", "pip.conf")
        yield Path(environ.get("XDG_CONFIG_HOME") or Path(home, ".config"), "pip", "pip.conf")
        if sys.platform == "darwin":
            yield Path(home, "Library", "Application Support", "pip", "pip.conf")
    yield Path(prefix, "pip.conf")
    if only:
        yield Path(only)


def _uv_has_indexes(environ: Mapping[str, str]) -> bool:
    given = environ.get("UV_CONFIG_FILE")
    config = environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME") or "/", ".config")
    own = [Path(config, "uv", "uv.toml"), Path("/etc/uv/uv.toml")]
    for path in [Path(given)] if given else own:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        pip = table.get("pip")
        if _KEYS_OF_UV & {*table, *(pip if isinstance(pip, dict) else ())}:
            return True
    return False
