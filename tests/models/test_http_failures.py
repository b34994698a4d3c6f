"""What servers do wrong, and the sentence that a user gets."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from rung.models.http import HttpModel, Timeouts
from rung.models.http.breaker import CircuitBreaker
from rung.models.http.failures import safe, seconds_to_wait
from rung.models.protocol import (
    Generation,
    InvalidResponse,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    Prompt,
    Sampling,
)

from .http_server import Answer, Connection, Server, piece, serving

QUICK = Timeouts(connect=2, first_token=5, whole=10)


@asynccontextmanager
async def model_on(*answers: Answer, **options: Any) -> AsyncIterator[tuple[HttpModel, Server]]:
    async with serving(*answers) as server:
        model = HttpModel("large", server.url, "coder", **{"timeouts": QUICK, **options})
        try:
            yield model, server
        finally:
            await model.close()


async def ask(model: HttpModel, n: int = 1) -> list[Generation]:
    return await model.generate(Prompt("x"), Sampling(9, 0.8 if n > 1 else 0.0, n=n))


async def hello(connection: Connection) -> None:
    await connection.text("hello")


def status(code: int, body: str = "", headers: str = "") -> Answer:
    return lambda connection: connection.status(code, body, headers)


def raw(data: bytes) -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.send(data)

    return answer


def stream(data: bytes, more: str = "") -> Answer:
    async def answer(connection: Connection) -> None:
        await connection.begin(more=more)
        await connection.send(data)

    return answer


@pytest.mark.parametrize("code", [500, 502, 504])
async def test_a_server_error_is_tried_once_more(code: int) -> None:
    async with model_on(status(code), hello) as (model, server):
        assert (await ask(model))[0].text == "hello"
        assert len(server.bodies) == 2
    async with model_on(status(code, "out of\nmemory")) as (model, server):
        with pytest.raises(ModelUnavailable, match=rf"failed \({code}\), see its log: out of memory"):
            await ask(model)
        assert len(server.bodies) == 2


@pytest.mark.parametrize("code", [429, 503])
async def test_a_busy_server_is_given_the_time_it_asks_for(code: int) -> None:
    async with model_on(status(code, headers="Retry-After: 0.3\r\n"), hello) as (model, server):
        started = time.monotonic()
        assert (await ask(model))[0].text == "hello"
        assert time.monotonic() - started >= 0.3
        assert len(server.bodies) == 2


@pytest.mark.parametrize(("code", "kind"), [(429, ModelRefused), (503, ModelUnavailable)])
async def test_a_wait_longer_than_the_time_left_fails_at_once_and_is_kept(code: int, kind: type[ModelError]) -> None:
    async with model_on(status(code, headers="Retry-After: 60\r\n")) as (model, server):
        with pytest.raises(kind, match=str(code)):
            await ask(model)
        with pytest.raises(ModelUnavailable, match=rf"not asked, it is tried again in (60|59) s, .*\({code}\)"):
            await ask(model)
        assert len(server.bodies) == 1


async def test_too_many_requests_without_a_time_are_tried_three_times() -> None:
    async with model_on(status(429)) as (model, server):
        with pytest.raises(ModelRefused, match=r"too many requests \(429\); wait a little"):
            await ask(model)
        assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (401, r"did not accept the key in BIG_KEY \(401\)"),
        (403, r"did not accept the key in BIG_KEY \(403\)"),
        (404, r"does not know the model 'coder' or the URL is wrong \(404\)"),
        (413, r"refused the request \(413 .*\): too big"),
    ],
)
async def test_a_refusal_is_not_tried_again(code: int, sentence: str) -> None:
    async with model_on(status(code, '{"detail": "too big"}'), key_name="BIG_KEY") as (model, server):
        with pytest.raises(ModelRefused, match=sentence):
            await ask(model)
        assert len(server.bodies) == 1


async def test_a_redirect_is_not_followed() -> None:
    async with serving(hello) as elsewhere:
        redirect = status(307, headers=f"Location: {elsewhere.url}/completions\r\n")
        async with model_on(redirect, key=lambda: "sk-secret") as (model, _):
            with pytest.raises(InvalidResponse, match=r"redirects to another address \(307\)"):
                await ask(model)
        assert elsewhere.connections == 0


async def test_a_message_that_repeats_the_users_text_is_not_shown() -> None:
    body = '{"detail": [{"loc": ["body", "stop"], "msg": "too many", "input": "SECRET SOURCE"}]}'
    async with model_on(hello, status(422, body)) as (model, _):
        await ask(model)
        with pytest.raises(ModelRefused, match="stop: too many") as caught:
            await ask(model)
        assert "SECRET" not in str(caught.value)


BAD_STREAMS = {
    "not JSON": b"{choices",
    "a list": b"[]",
    "deep nesting": b'{"choices":' + b"[" * 10_000,
    "a text that is a number": b'{"choices":[{"text":1,"index":0}]}',
    "an index that is a text": b'{"choices":[{"text":"a","index":"0"}]}',
    "a negative index": b'{"choices":[{"text":"a","index":-1}]}',
    "a sample too many": b'{"choices":[{"text":"a","index":1}]}',
    "half a surrogate": b'{"choices":[{"text":"\\ud83d","index":0}]}',
    "not UTF-8": b'{"choices":[{"text":"\xff","index":0}]}',
    "negative usage": b'{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":1}}',
    "NaN": b'{"choices":[{"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[NaN]}}]}',
    "infinity": b'{"choices":[{"text":"a","logprobs":{"tokens":["a"],"token_logprobs":[-Infinity]}}]}',
    "a probability over 1": b'{"choices":[{"text":"a","logprobs":{"content":[{"token":"a","logprob":0.5}]}}]}',
    "uneven logprobs": b'{"choices":[{"text":"a","logprobs":{"tokens":["a","b"],"token_logprobs":[-1]}}]}',
    "an unknown end": b'{"choices":[{"text":"a","index":0,"finish_reason":"abort"}]}',
    "text after the end": b'{"choices":[{"text":"a","finish_reason":"stop"},{"text":"b"}]}',
}


@pytest.mark.parametrize("data", BAD_STREAMS.values(), ids=BAD_STREAMS.keys())
async def test_garbage_is_no_answer(data: bytes) -> None:
    async with model_on(stream(b"data: " + data + b"\n\ndata: [DONE]\n\n")) as (model, server):
        with pytest.raises(InvalidResponse, match="Rung 'large'") as caught:
            await ask(model)
        assert len(str(caught.value)) < 400
        assert "\n" not in str(caught.value)
        assert len(server.bodies) == 1


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (raw(b"\x00\x01garbage\r\n\r\n"), "does not speak HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Sign in</html>"), "not a stream of events"),
        (stream(b"x", more="Content-Encoding: gzip\r\n"), "compressed"),
        (status(204), "answered 204"),
    ],
)
async def test_another_kind_of_server_is_recognized(answer: Answer, sentence: str) -> None:
    async with model_on(answer) as (model, _):
        with pytest.raises(InvalidResponse, match=sentence):
            await ask(model)


async def half(connection: Connection) -> None:
    await connection.stream(piece("a", logprob=-1.0), piece("b"))


async def interrupted(connection: Connection) -> None:
    await connection.stream(piece("a", logprob=-1.0), "[DONE]")


async def one_of_two(connection: Connection) -> None:
    await connection.stream(piece("a", reason="stop"))


async def cut_in_a_chunk(connection: Connection) -> None:
    await connection.begin(more="Transfer-Encoding: chunked\r\n")
    await connection.send(b'ff\r\ndata: {"choices":[{"text":"a","index":0}]}\n\n')


@pytest.mark.parametrize("answer", [half, interrupted, one_of_two, cut_in_a_chunk])
async def test_half_a_stream_is_no_answer_and_is_not_paid_for_twice(answer: Answer) -> None:
    async with model_on(answer) as (model, server):
        with pytest.raises(InvalidResponse, match="broke off in the middle"):
            await ask(model, n=2)
        assert len(server.bodies) == 1


async def test_a_whole_answer_without_an_end_mark_is_one() -> None:
    async with model_on(one_of_two) as (model, _):
        assert (await ask(model))[0].text == "a"


async def test_a_stream_that_ends_before_it_began_is_asked_again_without_log_probabilities() -> None:
    async def silent(connection: Connection) -> None:
        if "logprobs" in connection.body:
            await connection.begin()
        else:
            await connection.text("fine")

    async with model_on(silent) as (model, server):
        assert (await ask(model))[0].text == "fine"
        assert (await ask(model))[0].text == "fine"
        assert ["logprobs" in body for body in server.bodies] == [True, False, False]
    async with model_on(stream(b"")) as (model, server):
        with pytest.raises(InvalidResponse, match="ended its answer before it began"):
            await ask(model)
        assert len(server.bodies) == 2


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [(400, ModelRefused, "gave up on the request: too long"), (500, ModelUnavailable, "gave up on the request")],
)
async def test_an_error_in_the_stream_is_told(code: int, kind: type[ModelError], sentence: str) -> None:
    async def failing(connection: Connection) -> None:
        await connection.stream(piece("a"), {"error": {"code": code, "message": "too long"}})

    async with model_on(failing) as (model, server):
        with pytest.raises(kind, match=sentence):
            await ask(model)
        assert len(server.bodies) == 1


async def test_a_content_filter_is_a_refusal() -> None:
    async with model_on(lambda connection: connection.text("a", reason="content_filter")) as (model, _):
        with pytest.raises(ModelRefused, match="content filter"):
            await ask(model)


@pytest.mark.parametrize("line", [b"data: x", b": ping\n\n", b'data: {"choices":[{"text":"aaaaaaaaaaaaaaaa"}]}\n\n'])
async def test_a_flood_ends_at_a_limit(line: bytes) -> None:
    async def flood(connection: Connection) -> None:
        await connection.begin()
        while True:
            await connection.send(line * 2000)

    async with model_on(flood) as (model, server):
        with pytest.raises(InvalidResponse, match="far longer than what was asked for"):
            await ask(model)
        await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_a_server_that_accepts_and_never_answers_times_out_at_the_first_token() -> None:
    async def mute(connection: Connection) -> None:
        await connection.gone()
        raise ConnectionResetError

    async with model_on(mute, timeouts=Timeouts(2, 0.2, 10)) as (model, server):
        with pytest.raises(ModelTimeout, match=r"gave no first token within 0\.2 s"):
            await ask(model)
        await asyncio.wait_for(server.disconnected.wait(), 5)
        assert len(server.bodies) == 1


async def test_headers_and_pings_are_no_first_token() -> None:
    async def ping(connection: Connection) -> None:
        await connection.stream(piece(""))
        while True:
            await connection.send(b": ping\n\n")
            await asyncio.sleep(0.05)

    async with model_on(ping, timeouts=Timeouts(2, 0.3, 10)) as (model, _):
        with pytest.raises(ModelTimeout, match="first token"):
            await ask(model)


async def test_an_endless_stream_ends_at_the_limit_of_the_whole() -> None:
    async def endless(connection: Connection) -> None:
        await connection.begin()
        while True:
            await connection.event(piece("a"))
            await asyncio.sleep(0.05)

    async with model_on(endless, timeouts=Timeouts(2, 0.2, 0.5)) as (model, server):
        with pytest.raises(ModelTimeout, match=r"not complete within 0\.5 s"):
            await ask(model)
        await asyncio.wait_for(server.disconnected.wait(), 5)


async def test_a_server_that_does_not_accept_times_out_at_the_connection() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        # the queue of a listener that accepts nothing is full after these, and further SYNs are dropped
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            model = HttpModel("large", f"http://127.0.0.1:{port}/v1", "coder", timeouts=Timeouts(0.2, 5, 10))
            with pytest.raises(ModelTimeout, match=r"did not accept a connection within 0\.2 s"):
                await ask(model)
            await model.close()
        finally:
            for filler in fillers:
                filler.close()


async def test_a_connection_that_breaks_before_the_answer_is_tried_again() -> None:
    async def reset(connection: Connection) -> None:
        connection.writer.transport.abort()

    async with model_on(reset, raw(b""), hello) as (model, server):
        assert (await ask(model))[0].text == "hello"
        assert len(server.bodies) == 3


async def test_a_server_that_is_not_there_is_tried_three_times_and_then_left_alone() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        breaker = CircuitBreaker(threshold=1, first_open=30)
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/v1"
        model = HttpModel("large", url, "coder", timeouts=QUICK, breaker=breaker)
        with pytest.raises(ModelUnavailable, match="cannot be reached; start it or check the URL"):
            await ask(model)
        with pytest.raises(ModelUnavailable) as caught:
            await ask(model)
        assert str(caught.value) == (
            f"Rung 'large': not asked, it is tried again in 30 s, because it failed before: "
            f"the server at {url} cannot be reached; start it or check the URL."
        )
        await model.close()


async def test_a_server_that_comes_back_is_asked_again() -> None:
    now = 0.0
    breaker = CircuitBreaker(threshold=1, first_open=5, clock=lambda: now)
    async with model_on(half, hello, breaker=breaker) as (model, server):
        with pytest.raises(InvalidResponse):
            await ask(model)
        with pytest.raises(ModelUnavailable, match="in 5 s"):
            await ask(model)
        now = 5.0
        assert (await ask(model))[0].text == "hello"
        assert len(server.bodies) == 2


async def test_cancelling_closes_the_connection_and_frees_the_probe() -> None:
    begun = asyncio.Event()

    async def slow(connection: Connection) -> None:
        await connection.stream(piece("a", logprob=-1.0))
        begun.set()
        await connection.gone()
        raise ConnectionResetError

    now = 0.0
    breaker = CircuitBreaker(threshold=1, first_open=5, clock=lambda: now)
    async with model_on(half, slow, hello, breaker=breaker) as (model, server):
        with pytest.raises(InvalidResponse):
            await ask(model)
        now = 5.0
        probe = asyncio.create_task(ask(model))
        await asyncio.wait_for(begun.wait(), 5)
        with pytest.raises(ModelUnavailable, match="being tried again now"):
            await ask(model)
        probe.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probe
        await asyncio.wait_for(server.disconnected.wait(), 5)
        assert (await ask(model))[0].text == "hello"


async def test_cancelling_while_waiting_to_try_again_ends_at_once() -> None:
    asked = asyncio.Event()

    async def busy(connection: Connection) -> None:
        await connection.status(503, headers="Retry-After: 9\r\n")
        await connection.gone()
        asked.set()

    async with model_on(busy) as (model, _):
        task = asyncio.create_task(ask(model))
        await asyncio.wait_for(asked.wait(), 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, 1)


async def test_a_closed_model_says_so() -> None:
    async with model_on(hello) as (model, _):
        await model.close()
        with pytest.raises(ModelUnavailable, match="it was closed"):
            await ask(model)


def test_retry_after_is_seconds_or_a_date_or_nothing() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=100), usegmt=True)
    assert 95 < (seconds_to_wait(later) or 0) <= 100
    assert seconds_to_wait("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert seconds_to_wait("2") == 2
    for nothing in (None, "", "soon", "nan", "inf", "-inf"):
        assert seconds_to_wait(nothing) is None


def test_a_servers_words_are_made_safe() -> None:
    assert safe("a\x1b[31m\n\u202eb  sk-1 \ud83d", "sk-1") == "a [31m b [key]"
    assert len(safe("x" * 10_000, None)) == 200


async def test_closing_while_a_request_runs_ends_it_with_a_sentence() -> None:
    begun = asyncio.Event()

    async def slow(connection: Connection) -> None:
        await connection.stream(piece("a"))
        begun.set()
        await connection.gone()
        raise ConnectionResetError

    async with model_on(slow) as (model, server):
        task = asyncio.create_task(ask(model))
        await asyncio.wait_for(begun.wait(), 5)
        await model.close()
        with pytest.raises(ModelError, match="Rung 'large'"):
            await asyncio.wait_for(task, 5)
        await asyncio.wait_for(server.disconnected.wait(), 5)
        assert "it was closed" in (await model.check()).sentence


async def test_closing_while_waiting_to_try_again_ends_it_with_a_sentence() -> None:
    asked = asyncio.Event()

    async def busy(connection: Connection) -> None:
        await connection.status(503, headers="Retry-After: 0.3\r\n")
        await connection.gone()
        asked.set()

    async with model_on(busy) as (model, _):
        task = asyncio.create_task(ask(model))
        await asyncio.wait_for(asked.wait(), 5)
        await model.close()
        with pytest.raises(ModelUnavailable, match="it was closed"):
            await asyncio.wait_for(task, 5)
