"""Take secrets out of a text or of any JSON-able value."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from axon.security.secrets.forms import SHORTEST, forms
from axon.security.secrets.shapes import SHAPES

REDACTED = "[redacted]"
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)


class Redactor:
    """Replaces live secrets, in every form they may take in text, and anything shaped like one."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        live = {value.strip() for value in values}
        found = {f for value in live if len(value) >= SHORTEST for f in forms(value)}
        self._forms = sorted(found, key=len, reverse=True)  # the longest first: it may hold others
        self._shapes = SHAPES

    def also(self, value: str) -> None:
        """From now on take this one out too."""
        if len(value.strip()) >= SHORTEST:
            found = {*self._forms, *forms(value.strip())}
            self._forms = sorted(found, key=len, reverse=True)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for form in self._forms:
            if form in text:
                text = text.replace(form, REDACTED)
        for shape in self._shapes:
            if shape.hinted(text):
                text = shape.pattern.sub(REDACTED, text)
        return text

    def longest(self) -> int:
        """Characters of the longest spelling of a live value."""
        return len(self._forms[0]) if self._forms else 0

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where there is something to be taken out."""
        for form in self._forms:
            at = text.find(form)
            while at >= 0:
                yield at, at + len(form)
                at = text.find(form, at + 1)
        for shape in self._shapes:
            if shape.hinted(text):
                yield from (match.span() for match in shape.pattern.finditer(text))

    def suspects(self, text: str) -> bool:
        """Whether `text`, plain or as JSON, may hold something to be taken out."""
        if any(form in text for form in self._forms):
            return True
        return any(shape.hinted(text) for shape in self._shapes)

    def narrowed(self, text: str) -> "Redactor":
        """One that seeks only what `text`, plain or as JSON, may hold: for the values in it.

        Words as harmless as “task-1” look like the beginning of a key; a thousand values are
        then looked at for that alone.
        """
        found = Redactor()
        if any(form in text for form in self._forms):
            found._forms = self._forms
        found._shapes = tuple(shape for shape in self._shapes if shape.hinted(text))
        return found

    def value(self, value: Any) -> Any:
        """The same for anything JSON can hold, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables whose names look secret."""
    return [
        value
        for name, value in environ.items()
        if SECRET_NAME.search(name) and len(value.strip()) >= SHORTEST
    ]
