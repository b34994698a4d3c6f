"""What a building process is to do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """root: resolved. index: the file. damaged: a reader met an error in it, so that it is checked first."""

    root: str
    never_send: tuple[str, ...]
    index: str
    damaged: bool = False

    def pack(self) -> bytes:
        """A line."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def unpack(cls, line: str) -> Order:
        values = json.loads(line)
        return cls(values["root"], tuple(values["never_send"]), values["index"], values["damaged"])
