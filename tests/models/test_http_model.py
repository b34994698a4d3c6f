"""What HttpModel sends, and what it makes of a good answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from rung.models.http import HttpModel, Timeouts
from rung.models.protocol import FinishReason, ModelRefused, Prompt, Sampling, Token, Usage

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


async def hello(connection: Connection) -> None:
    await connection.text("hel", "lo")


async def test_a_request_says_all_that_was_asked() -> None:
    async with model_on(hello, suffix=True, extra={"repeat_penalty": 1.0, "stream": False}) as (model, server):
        prompt = Prompt("x =", " end", "draft")
        await model.generate(prompt, Sampling(9, 0.5, 1, ("a", "b", "c", "d", "e"), 7))
    assert server.paths == ["/v1/completions"]
    assert server.bodies[0] == {
        "repeat_penalty": 1.0,
        "model": "coder",
        "prompt": "x =",
        "suffix": " end",
        "max_tokens": 9,
        "temperature": 0.5,
        "stop": ["a", "b", "c", "d"],
        "seed": 7,
        "stream": True,
        "logprobs": 1,
        "stream_options": {"include_usage": True},
        "prediction": {"type": "content", "content": "draft"},
    }
    assert server.headers[0]["accept-encoding"] == "identity"
    assert "authorization" not in server.headers[0]


async def test_a_suffix_a_seed_and_a_draft_that_are_not_there_are_not_sent() -> None:
    async with model_on(hello) as (model, server):
        await model.generate(Prompt("x", "suffix"), Sampling(9))
    assert not {"suffix", "seed", "prediction", "stop", "n"} & set(server.bodies[0])


async def test_the_key_is_sent_and_appears_nowhere_else() -> None:
    async def echo(connection: Connection) -> None:
        await connection.refuse(f"Incorrect key: {connection.headers['authorization']}", 418)

    async with model_on(echo, key=lambda: "sk-secret\n", key_name="BIG_KEY") as (model, server):
        with pytest.raises(ModelRefused) as caught:
            await model.generate(Prompt("x"), Sampling(1))
        assert "sk-secret" not in repr(model) + str(model) + str(caught.value)
    assert server.headers[0]["authorization"] == "Bearer sk-secret"


@pytest.mark.parametrize("key", ["sk-one\r\nX: y", "schlüssel"])
async def test_a_key_that_is_none_is_not_sent_and_not_shown(key: str) -> None:
    async with model_on(hello, key=lambda: key, key_name="BIG_KEY") as (model, server):
        with pytest.raises(ModelRefused, match="the key in BIG_KEY holds characters") as caught:
            await model.generate(Prompt("x"), Sampling(1))
        assert key not in str(caught.value)
    assert server.bodies == []


async def test_a_key_does_not_travel_in_the_clear_to_another_machine() -> None:
    model = HttpModel("large", "http://models.example/v1", "coder", key=lambda: "sk-secret", key_name="BIG_KEY")
    with pytest.raises(ModelRefused, match=r"the key in BIG_KEY was not sent, because http:// to models\.example"):
        await model.generate(Prompt("x"), Sampling(1))
    assert "https" in (await model.check()).sentence
    await model.close()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("ftp://host/v1", "must begin with http"),
        ("host:8080", "must begin with http"),
        ("https://", "name a host"),
        ("https://user:pass@host/v1", "user name or password"),
        ("https://host/v1?key=1", "without"),
        ("https://two words/v1", "name a host"),
        ("https://two..dots/v1", "is not a URL"),
        ("https://host:port/v1", "is not a URL"),
    ],
)
def test_a_url_that_is_none_is_refused_in_a_sentence(url: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        HttpModel("large", url, "coder")
    assert "pass" not in str(caught.value).replace("password", "")


async def test_a_bare_host_gets_v1() -> None:
    async with serving(hello) as server:
        model = HttpModel("large", server.url.removesuffix("/v1"), "coder", timeouts=QUICK)
        await model.generate(Prompt("x"), Sampling(9))
        await model.close()
    assert server.paths == ["/v1/completions"]


async def test_n_samples_are_one_request_and_their_usage_adds_up_to_the_servers() -> None:
    async def two(connection: Connection) -> None:
        usage = {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"accepted_prediction_tokens": 2, "rejected_prediction_tokens": 1},
        }
        await connection.stream(
            piece("b", 1), piece("a", 0), piece("a", 0), piece("", 1, reason="length"), piece("", 0, reason="stop"),
            {"choices": [], "usage": usage}, "[DONE]",
        )  # fmt: skip

    async with model_on(two) as (model, server):
        first, second = await model.generate(Prompt("x"), Sampling(9, 0.8, n=2))
    assert (first.text, second.text) == ("aa", "b")
    assert (first.finish_reason, second.finish_reason) == (FinishReason.STOP, FinishReason.LENGTH)
    assert first.usage + second.usage == Usage(11, 4, 7, 2, 1)
    assert second.usage.prompt == 0
    assert server.bodies[0]["n"] == 2
    assert 0 < first.seconds < 5


async def test_usage_that_llama_server_gives_for_each_sample_counts_the_prompt_once() -> None:
    def end(index: int, tokens: int) -> dict[str, Any]:
        return piece("", index, reason="stop") | {"usage": {"prompt_tokens": 7, "completion_tokens": tokens}}

    async def two(connection: Connection) -> None:
        await connection.stream(piece("a"), end(0, 5), piece("b", 1), end(1, 6), "[DONE]")

    async with model_on(two) as (model, _):
        first, second = await model.generate(Prompt("x"), Sampling(9, 0.8, n=2))
    assert (first.usage, second.usage) == (Usage(7, 0, 5), Usage(0, 0, 6))


async def test_usage_that_the_server_does_not_give_is_estimated_and_says_so() -> None:
    async with model_on(hello) as (model, _):
        [generation] = await model.generate(Prompt("x" * 100), Sampling(9))
    assert generation.usage == Usage(prompt=40, generated=2, counted=False)


async def test_a_server_that_ignores_n_is_asked_for_the_rest_and_not_for_n_again() -> None:
    async def one(connection: Connection) -> None:
        await connection.text(str(connection.body["seed"]))

    async with model_on(one) as (model, server):
        texts = [g.text for g in await model.generate(Prompt("x"), Sampling(9, 0.8, n=3, seed=5))]
        assert texts == ["5", "6", "7"]
        await model.generate(Prompt("x"), Sampling(9, 0.8, n=3, seed=5))
    assert [body.get("n") for body in server.bodies] == [3, None, None, None, None, None]


async def test_a_server_with_few_slots_is_asked_for_as_many_at_once_as_it_has() -> None:
    async def four(connection: Connection) -> None:
        n = connection.body.get("n", 1)
        if n > 4:
            await connection.refuse(f"Field 'n': Value must be between 1 <= value <= 4, but got {n}")
            return
        await connection.stream(*(piece("t", index, reason="stop") for index in range(n)), "[DONE]")

    async with model_on(four) as (model, server):
        assert len(await model.generate(Prompt("x"), Sampling(9, 0.8, n=10))) == 10
        assert len(await model.generate(Prompt("x"), Sampling(9, 0.8, n=3))) == 3
    assert [body.get("n") for body in server.bodies] == [10, 5, 2, 2, 2, 2, 2, 2, None]


@pytest.mark.parametrize("field", ["prediction", "logprobs", "stream_options"])
@pytest.mark.parametrize("named", [True, False])
async def test_what_a_server_refuses_is_left_out_and_that_is_remembered(field: str, named: bool) -> None:
    async def strict(connection: Connection) -> None:
        if field in connection.body:
            await connection.refuse(f"Unknown: {field}" if named else "Bad request", 422)
        else:
            await connection.text("fine")

    async with model_on(strict) as (model, server):
        for _ in range(2):
            [generation] = await model.generate(Prompt("x", draft="draft"), Sampling(9))
            assert generation.text == "fine"
        if not named:
            # what was suspected on the way but was not the reason is sent again
            others = {"prediction", "logprobs", "stream_options"} - {field}
            assert others <= set(server.bodies[-1])
    sent = [field in body for body in server.bodies]
    assert sent[0] is True
    assert sent[-1] is False
    assert sum(sent) == (1 if named else ["prediction", "logprobs", "stream_options"].index(field) + 1)


async def test_a_request_that_is_wrong_as_such_is_not_tried_in_other_shapes_once_they_were_accepted() -> None:
    async def too_long(connection: Connection) -> None:
        await connection.refuse("No such thing")

    async with model_on(hello, too_long) as (model, server):
        await model.generate(Prompt("x"), Sampling(9))
        with pytest.raises(ModelRefused, match=r"refused the request \(400 Bad Request\): No such thing"):
            await model.generate(Prompt("x"), Sampling(9))
    assert len(server.bodies) == 2


async def test_log_probabilities_come_in_both_forms() -> None:
    content = [{"id": 1, "token": "a", "bytes": [97], "logprob": -0.5, "top_logprobs": []}]

    async def both(connection: Connection) -> None:
        await connection.stream(
            {"choices": [{"text": "a", "index": 0, "logprobs": {"content": content}, "finish_reason": None}]},
            piece("b", logprob=1e-7),
            piece("", reason="stop"),
            "[DONE]",
        )

    seen: list[tuple[int, Token]] = []
    async with model_on(both) as (model, _):
        [generation] = await model.generate(Prompt("x"), Sampling(9), lambda *token: seen.append(token))
    assert generation.tokens == (Token("a", -0.5), Token("b", 0.0))
    assert seen == [(0, Token("a", -0.5)), (0, Token("b", 0.0))]


async def test_a_sample_that_the_server_gave_up_says_so() -> None:
    async with model_on(lambda connection: connection.text("a", " b", reason="doubt")) as (model, _):
        [generation] = await model.generate(Prompt("x"), Sampling(9))
        [stopped] = await model.generate(Prompt("x"), Sampling(9, stop=("b",)))
    assert (generation.text, generation.finish_reason) == ("a b", FinishReason.DOUBT)
    assert (stopped.text, stopped.finish_reason) == ("a ", FinishReason.STOP), "rung's own end came first"


async def test_the_fifth_stop_string_ends_the_request_and_closes_the_connection() -> None:
    async def endless(connection: Connection) -> None:
        await connection.begin()
        for text in ("one ", "two ", "thr"):
            await connection.event(piece(text, logprob=-0.1))
        await connection.event(piece("ee", logprob=-0.2))
        await connection.gone()
        raise ConnectionResetError

    async with model_on(endless) as (model, server):
        [generation] = await model.generate(Prompt("x"), Sampling(99, stop=("A", "B", "C", "D", " three")))
        await asyncio.wait_for(server.disconnected.wait(), 5)
    assert generation.text == "one two"
    assert [token.text for token in generation.tokens] == ["one ", "two "]
    assert generation.finish_reason is FinishReason.STOP
    assert generation.usage.generated == 4
    assert not generation.usage.counted


async def test_cut_blanks_are_not_sent_and_not_given_twice() -> None:
    async def body(connection: Connection) -> None:
        await connection.begin()
        for text in ("\n", "    return", " 1", "\n", "    rest"):
            await connection.event(piece(text, logprob=-0.1))
        await connection.gone()
        raise ConnectionResetError

    seen: list[str] = []
    async with model_on(body) as (model, server):
        prompt = Prompt("def f():\n    ", draft="return 2")
        [generation] = await model.generate(prompt, Sampling(9, stop=("\n",)), lambda _, token: seen.append(token.text))
        await asyncio.wait_for(server.disconnected.wait(), 5)
    assert generation.text == "return 1"
    assert [token.text for token in generation.tokens] == seen == ["    return", " 1"]
    assert server.bodies[0]["prompt"] == "def f():"
    assert server.bodies[0]["prediction"]["content"] == "\n    return 2"
    assert "stop" not in server.bodies[0], "the server would have stopped at the line break that was cut"


async def test_half_a_utf16_character_is_sent_as_a_replacement() -> None:
    async with model_on(hello) as (model, server):
        await model.generate(Prompt("a\ud83d\ude00b\ud83dc"), Sampling(9, stop=("\udfff",)))
    assert server.bodies[0]["prompt"] == "a😀b\ufffdc"


async def test_requests_of_one_model_share_a_connection() -> None:
    async def keep(connection: Connection) -> None:
        data = b'data: {"choices":[{"text":"a","index":0,"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        answer = head + f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"
        await connection.send(answer)
        await connection.reader.readuntil(b"\r\n\r\n")
        await connection.send(answer)
        await connection.gone()

    async with model_on(keep) as (model, server):
        for _ in range(2):
            await model.generate(Prompt("x"), Sampling(9))
    assert server.connections == 1


async def test_check_says_whether_the_model_is_listed_and_how_long_it_took() -> None:
    async def models(connection: Connection) -> None:
        await connection.status(200, '{"object": "list", "data": [{"id": "coder"}, {"id": "other\\u001b[31m"}]}')

    async def none(connection: Connection) -> None:
        await connection.status(404)

    async with model_on(models) as (model, server):
        check = await model.check()
        assert (check.answers, check.listed) == (True, True)
        assert 0 < check.milliseconds < 5000
        other = HttpModel("large", server.url, "missing")
        check = await other.check()
        await other.close()
        assert (check.answers, check.listed) == (True, False)
        assert check.sentence.endswith("does not list the model 'missing'; it lists coder, other [31m.")
        assert server.paths == ["/v1/models"] * 2
    async with model_on(none) as (model, _):
        check = await model.check()
        assert (check.answers, check.listed) == (True, None)
    check = await model_that_nobody_serves().check()
    assert (check.answers, check.listed) == (False, None)
    assert "cannot be reached" in check.sentence


def model_that_nobody_serves() -> HttpModel:
    return HttpModel("large", "http://127.0.0.1:9/v1", "coder", timeouts=QUICK)


async def test_closing_twice_is_allowed() -> None:
    model = model_that_nobody_serves()
    await model.close()
    await model.close()
