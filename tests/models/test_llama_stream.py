"""When tokens go out to the server."""

from __future__ import annotations

from typing import Any

import pytest

from rung.models.llama.worker import stream as module
from rung.models.llama.worker.stream import Stream
from rung.models.protocol import Token


class Clock:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_the_first_tokens_are_not_held_back(clock: Clock) -> None:
    sent: list[dict[str, Any]] = []
    stream = Stream(7, sent.append)
    for number in range(4):
        stream.put(0, Token(str(number), -0.1))
    assert [message["of"] for message in sent] == [[(0, Token(str(number), -0.1))] for number in range(4)]


def test_later_ones_go_out_together_in_their_order_and_none_is_lost(clock: Clock) -> None:
    sent: list[dict[str, Any]] = []
    stream = Stream(7, sent.append)
    for number in range(100):
        clock.now += 0.008
        stream.put(number % 2, Token(str(number), -0.1))
    stream.flush()
    stream.flush()
    tokens = [(sample, token.text) for message in sent for sample, token in message["of"]]
    assert tokens == [(number % 2, str(number)) for number in range(100)]
    assert len(sent) < 16
    assert all(message["tokens"] == 7 and message["of"] for message in sent)
