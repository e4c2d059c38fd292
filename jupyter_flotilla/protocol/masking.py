"""Keeps secrets out of what a job says, as far as they can be recognised."""

import base64
import html
import json
import urllib.parse
from typing import Any, Iterator, List, Sequence, Tuple

#: Shorter ones are found in any text by chance, and so are not masked.
SHORTEST = 4
#: Lines of a secret that may be printed one by one: shorter ones are found by chance.
_SHORTEST_LINE = 8
STARS = "***"


class Mask:
    """Replaces secrets by three stars, also where programs have escaped or encoded them whole."""

    def __init__(self, secrets: Sequence[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        # Longest first, so that one secret inside another leaves nothing readable.
        self._forms = sorted(forms, key=len, reverse=True)

    def value(self, value: Any) -> Any:
        """Return a JSON value without the secrets in its texts; pictures stay as they are."""
        if not self._forms:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return {self._key(key): item if _is_picture(key) else self.value(item)
                    for key, item in value.items()}  # fmt: skip
        return value

    def text(self, text: str) -> str:
        """Return text without the secrets in it."""
        for form in self._forms:
            text = text.replace(form, STARS)
        return text

    def split(self, text: str) -> Tuple[str, str]:
        """Return masked text that can be said, and an end that may be the beginning of a secret.

        What a job writes in two pieces must not come together again as a secret.
        """
        masked = self.text(text)
        longest = 0
        for form in self._forms:
            for length in range(min(len(form) - 1, len(masked)), longest, -1):
                if masked.endswith(form[:length]):
                    longest = length
                    break
        return masked[: len(masked) - longest], masked[len(masked) - longest :]

    def _key(self, key: str) -> str:
        return key if "/" in key else str(self.value(key))  # MIME types are ours to read


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it is, and as programs write it into strings, JSON, URLs and headers."""
    yield secret
    lines: List[str] = [line.strip() for line in secret.splitlines()]
    if len(lines) > 1:
        yield from (line for line in lines if len(line) >= _SHORTEST_LINE)
    raw = secret.encode("utf-8", "surrogateescape")
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield html.escape(secret)
    yield repr(raw)[2:-1]
    yield raw.hex()
    yield base64.b64encode(raw).decode()
    yield base64.urlsafe_b64encode(raw).decode()
    yield urllib.parse.quote(raw)
    yield urllib.parse.quote(raw, safe="")
    yield urllib.parse.quote_plus(raw)


def _is_picture(mime_type: str) -> bool:
    # A short secret is found in base64 by chance, and the picture would be spoilt.
    return mime_type.startswith(("image/png", "image/jpeg", "image/gif", "application/pdf"))
