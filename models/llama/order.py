"""What a worker is told when it is started."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from rung.models.llama.settings import EngineSettings


@dataclass(frozen=True, slots=True)
class Sharing:
    """How long a shared worker stays, in seconds. Of several servers' the one counts that started it.

    linger_s: after the last server left; a window that is reloaded finds it again.
    rest_s: with servers connected that ask for nothing; the next request starts it anew.
    """

    linger_s: float = 60.0
    rest_s: float = 1800.0


@dataclass(frozen=True, slots=True)
class Post:
    """Where a shared worker serves. listener: an inherited file descriptor. folder, key: of its `Address`."""

    listener: int
    folder: str
    key: str
    sharing: Sharing


@dataclass(frozen=True, slots=True)
class Order:
    """The worker's one argument. post: None for a private worker, which serves its standard streams."""

    checkpoint: str
    engine: EngineSettings
    post: Post | None = None

    def pack(self) -> str:
        return json.dumps(asdict(self))


def unpack_order(text: str) -> Order:
    fields: dict[str, Any] = json.loads(text)
    post = fields["post"]
    return Order(
        fields["checkpoint"],
        EngineSettings(**fields["engine"]),
        Post(**{**post, "sharing": Sharing(**post["sharing"])}) if post else None,
    )
