"""The HTTP server with an engine that answers as a test tells it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import suppress

import httpx
import pytest

from rung.models.http import HttpModel
from rung.models.protocol import FinishReason, Prompt, Sampling, Token
from rung.models.server.asked import Asked, Busy, Ended, EngineFailed, Event, Piece, Refused
from rung.models.server.http.body import BODY_BYTES
from rung.models.server.http.desk import Desk

from .server_http_fake import COUNTED, FakeEngine, complete, events, figures, hello, serving, waiting

JSON = {"content-type": "application/json"}
USAGE = {
    "prompt_tokens": 7,
    "completion_tokens": 2,
    "total_tokens": 9,
    "prompt_tokens_details": {"cached_tokens": 3},
    "completion_tokens_details": {"accepted_prediction_tokens": 1, "rejected_prediction_tokens": 4},
}


async def test_a_plain_answer_is_openais_text_completion() -> None:
    async with serving(FakeEngine()) as client:
        answer = await complete(client, n=2)
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body.pop("id").startswith("cmpl-")
    assert body.pop("created") > 1_700_000_000
    assert body == {
        "object": "text_completion",
        "model": "fake",
        "choices": [{"index": index, "text": "hello", "logprobs": None, "finish_reason": "stop"} for index in range(2)],
        "usage": USAGE,
    }


async def test_a_stream_gives_each_piece_each_end_the_usage_and_done() -> None:
    async with serving(FakeEngine()) as client:
        answer = await complete(client, stream=True, stream_options={"include_usage": True})
        without = await complete(client, stream=True)
    *chunks, last, done = events(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [(chunk["choices"][0]["text"], chunk["choices"][0]["finish_reason"]) for chunk in chunks] == [
        ("hel", None),
        ("lo", None),
        ("", "stop"),
    ]
    assert {chunk["id"] for chunk in [*chunks, last]} == {last["id"]}
    assert [chunk["usage"] for chunk in chunks] == [None] * 3
    assert (last["choices"], last["usage"], done) == ([], USAGE, "[DONE]")
    assert all("usage" not in chunk for chunk in events(without)[:-1])
    assert len(events(without)) == 4


async def test_the_models_are_the_one_that_is_served() -> None:
    async with serving(FakeEngine()) as client:
        (entry,) = (await client.get("/v1/models")).json()["data"]
        model = HttpModel("large", f"{client.base_url}", "fake")
        assert (await model.check()).listed is True
        await model.close()
    assert (entry["id"], entry["object"]) == ("fake", "model")


async def test_rungs_own_client_reads_texts_tokens_drafts_and_doubt() -> None:
    async def doubting(asked: Asked) -> AsyncGenerator[Event, None]:
        async for event in hello(asked):
            yield Ended(event.index, "doubt") if isinstance(event, Ended) else event

    engine = FakeEngine(doubting)
    async with serving(engine) as client:
        model = HttpModel("large", f"{client.base_url}", "fake", suffix=True)
        first, second = await model.generate(Prompt("a", "b", "draft"), Sampling(20, 0.8, n=2, stop=("!",), seed=3))
        await model.close()
    assert engine.asked == [Asked("a", "b", "draft", 20, 0.8, 2, ("!",), 3, 1)]
    assert first.text == second.text == "hello"
    assert first.tokens == (Token("hel", -0.5), Token("lo", -1.5))
    assert first.finish_reason is FinishReason.DOUBT
    assert (first.usage.prompt, first.usage.cached, first.usage.accepted_draft, first.usage.rejected_draft) == (
        7,
        3,
        1,
        4,
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Refused("It is too long.", "prompt", "context_length_exceeded"), 400, "context_length_exceeded"),
        (Busy("Too many wait.", 3), 429, "rate_limit_exceeded"),
        (EngineFailed("The model failed."), 500, None),
    ],
)
async def test_what_the_engine_says_no_to_has_a_status_and_openais_form(
    error: Exception, status: int, code: str | None, stream: bool
) -> None:
    async def refusing(_asked: Asked) -> AsyncGenerator[Event, None]:
        raise error
        yield COUNTED

    async with serving(FakeEngine(refusing)) as client:
        answer = await complete(client, stream=stream)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == str(error)
    assert answer.json()["error"]["code"] == code
    assert answer.headers.get("retry-after") == ("3" if status == 429 else None)


async def test_a_failure_in_the_middle_of_a_stream_is_its_last_event() -> None:
    async def breaking(_asked: Asked) -> AsyncGenerator[Event, None]:
        yield Piece(0, "hel")
        raise EngineFailed("The model failed.")

    async with serving(FakeEngine(breaking)) as client:
        streamed, plain = await complete(client, stream=True), await complete(client)
    assert events(streamed)[-1]["error"]["message"] == "The model failed."
    assert plain.status_code == 500


async def test_an_error_that_nobody_foresaw_is_told_without_its_words() -> None:
    async def wrong(_asked: Asked) -> AsyncGenerator[Event, None]:
        raise KeyError("SECRET")
        yield COUNTED

    async with serving(FakeEngine(wrong)) as client:
        answer = await complete(client)
        assert figures((await client.get("/metrics")).text)['rung_requests_total{status="500"}'] == 1
    assert answer.status_code == 500
    assert answer.json()["error"]["message"] == "The server failed; see its log."


async def test_while_the_model_is_loaded_and_when_the_server_closes_nobody_is_answered() -> None:
    desk = Desk()
    async with serving(None, desk=desk) as client:
        for state, word in (("loading", "loaded"), ("closing", "shutting down")):
            health = await client.get("/health")
            assert (health.status_code, health.json()) == (503, {"status": state})
            for answer in (await complete(client), await client.get("/v1/models")):
                assert answer.status_code == 503
                assert word in answer.json()["error"]["message"]
                assert int(answer.headers["retry-after"]) > 0
            desk.close()


async def test_a_server_that_cannot_compute_any_more_is_not_healthy() -> None:
    engine = FakeEngine()
    async with serving(engine) as client:
        engine.failed = 2
        assert (await client.get("/health")).status_code == 200
        engine.failed = 3
        health = await client.get("/health")
        assert (health.status_code, health.json()) == (503, {"status": "failing"})
        engine.failed = 0
        assert (await client.get("/health")).status_code == 200


async def test_a_server_that_is_ready_is_healthy() -> None:
    async with serving(FakeEngine()) as client:
        health = await client.get("/health")
    assert (health.status_code, health.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic one", "one", "Bearer one two", "Bearer \xf6"])
async def test_without_its_key_a_server_tells_only_its_health(header: str) -> None:
    engine = FakeEngine()
    async with serving(engine, "one two") as client:
        client.headers = httpx.Headers([(b"authorization", header.encode())])
        for path in ("/v1/completions", "/v1/models", "/metrics", "/nothing"):
            answer = await client.post(path, json={"prompt": "x"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")
            assert answer.headers["www-authenticate"] == "Bearer"
        assert (await client.get("/health")).status_code == 200
    assert engine.asked == []


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "192.0.2.1", "[", ""])
async def test_without_a_key_a_page_whose_name_was_made_to_point_here_is_refused(host: str) -> None:
    engine = FakeEngine()
    async with serving(engine) as client:
        answer = await client.post("/v1/completions", json={"prompt": "x"}, headers={"Host": host})
        assert (await client.get("/health", headers={"Host": host})).status_code == 200
        local = await client.post("/v1/completions", json={"prompt": "x"}, headers={"Host": "localhost:8000"})
    assert answer.status_code == 403
    assert "--key-env" in answer.json()["error"]["message"]
    assert local.status_code == 200
    assert len(engine.asked) == 1


async def test_with_a_key_the_name_does_not_matter() -> None:
    async with serving(FakeEngine(), "one") as client:
        client.headers.update({"Host": "completions.example.com", "Authorization": "Bearer one"})
        assert (await complete(client)).status_code == 200


@pytest.mark.parametrize("header", ["Bearer one", "bearer two"])
async def test_each_of_several_keys_opens(header: str) -> None:
    async with serving(FakeEngine(), " one\ttwo\n") as client:
        client.headers["authorization"] = header
        assert (await complete(client)).status_code == 200
        assert (await client.get("/metrics")).status_code == 200


async def test_a_body_that_is_too_long_or_no_json_is_refused() -> None:
    engine = FakeEngine()
    async with serving(engine) as client:
        long = await client.post("/v1/completions", content=b" " * (BODY_BYTES + 1), headers=JSON)
        assert long.status_code == 413
        assert "4,194,304 bytes" in long.json()["error"]["message"]
        form = await client.post("/v1/completions", content=b'{"prompt": "x"}', headers={"content-type": "text/plain"})
        assert form.status_code == 415
        assert "application/json" in form.json()["error"]["message"]
        for answer in (await client.get("/v1/completions"), await client.get("/v2")):
            assert answer.json()["error"]["type"] == "invalid_request_error"
    assert engine.asked == []


async def test_a_body_without_an_end_is_not_read_for_ever() -> None:
    sent = 0

    async def endless() -> AsyncGenerator[bytes, None]:
        nonlocal sent
        while True:
            sent += 65536
            yield b" " * 65536

    async with serving(FakeEngine()) as client:
        with suppress(httpx.ReadError):  # it may come before the refusal
            answer = await client.post("/v1/completions", content=endless(), headers=JSON)
            assert answer.status_code == 413
    assert sent > BODY_BYTES


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_frees_the_engine(stream: bool) -> None:
    engine = waiting()
    async with serving(engine) as client:
        asking = asyncio.create_task(complete(client, stream=stream))
        async with asyncio.timeout(5):
            await engine.begun.wait()
            asking.cancel()
            await engine.released.wait()
        assert figures((await client.get("/metrics")).text)['rung_requests_total{status="499"}'] == 1
    assert engine.load.running == 0


async def test_a_client_that_leaves_a_stream_in_the_middle_frees_the_engine() -> None:
    engine = waiting()
    async with serving(engine) as client:
        async with client.stream("POST", "/v1/completions", json={"prompt": "say", "stream": True}) as answer:
            async for line in answer.aiter_lines():
                assert "one" in line
                break
        await asyncio.wait_for(engine.released.wait(), 5)
    assert engine.load.running == 0


async def test_the_metrics_count_requests_and_what_the_engine_says() -> None:
    async with serving(FakeEngine()) as client:
        await complete(client)
        await complete(client, stream=True)
        await complete(client, n=0)
        told = figures((await client.get("/metrics")).text)
    assert told['rung_requests_total{status="200"}'] == 2
    assert told['rung_requests_total{status="400"}'] == 1
    assert [
        told[f"rung_{name}_tokens_total"] for name in ("prompt", "cached", "generated", "accepted", "rejected")
    ] == [
        70,
        30,
        20,
        10,
        40,
    ]
    for name in ("first_token", "request", "token"):
        assert told[f"rung_{name}_seconds_count"] == 2
        assert 0 <= told[f"rung_{name}_seconds_sum"] < 10
    engine = {name: told[f"rung_{name}"] for name in ("running", "waiting", "kept_tokens")}
    assert engine == {"running": 0, "waiting": 5, "kept_tokens": 11}
    counts = ("computed_layers", "skipped_layers", "stopped_samples", "forward_passes")
    assert [told[f"rung_{name}_total"] for name in counts] == [90, 10, 2, 30]


async def test_the_log_has_a_line_for_each_request_and_nothing_that_a_client_wrote(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving(FakeEngine(), "sk-SECRET") as client:
        client.headers["authorization"] = "Bearer sk-SECRET"
        await complete(client, prompt="SECRET", user="SECRET")
        await complete(client, prompt=["SECRET"] * 2)
        await client.request("SECRET", "/SECRET%0Ainjected?key=SECRET")
    lines = [record.getMessage() for record in caplog.records if record.name == "rung.models.server.http.log"]
    assert [line.split()[1:4] for line in lines[:2]] == [
        ["POST", "/v1/completions", "200"],
        ["POST", "/v1/completions", "400"],
    ]
    assert "(another method) (another path) 404" in lines[2]
    server = [record.getMessage() for record in caplog.records if not record.name.startswith("http")]
    assert "SECRET" not in "".join(server)


async def test_a_pipe_of_requests_on_one_connection_is_answered_in_order() -> None:
    async with serving(FakeEngine()) as client:
        url = client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        body = b'{"prompt": "x"}'
        host = "Host: [::1]:80\r\nContent-Type: application/json"
        head = f"POST /v1/completions HTTP/1.1\r\n{host}\r\nContent-Length: {len(body)}"
        writer.write((head.encode() + b"\r\n\r\n" + body) * 3)
        answers = b""
        async with asyncio.timeout(5):
            while answers.count(b'"text":"hello"') < 3:
                answers += await reader.read(65536)
        writer.close()
    assert answers.count(b"HTTP/1.1 200 OK") == 3
