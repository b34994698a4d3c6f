"""JSON that every parser reads, whatever text a model writes."""

from __future__ import annotations

import json


def json_bytes(value: object) -> bytes:
    """ASCII: no line separator of Unicode ends an event, and no half of a character is in it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def whole(text: str) -> str:
    """Without lone surrogates, which JSON could hold and most parsers refuse."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
