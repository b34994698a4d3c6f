"""The engine's text is the model's own, whatever else it does at the same time. Random weights, real architectures."""

import asyncio
import gc
import random
import threading
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
import torch
from transformers import PreTrainedModel

from rung.models.server import batch
from rung.models.server import engine as engine_module
from rung.models.server.asked import Asked, Busy, Counted, Ended, EngineFailed, Piece, Refused
from rung.models.server.engine import Engine
from rung.models.server.forward import Forward, Passed
from rung.models.server.key_values import KeyValues
from rung.models.server.rows import Segment
from rung.models.server.sampling import Place, draw
from rung.models.server.vocabulary import Vocabulary

from .server_made import ARCHITECTURES, CONTEXT, OPTIONS, Answer, ask, started, tokenizer

PROMPT = "def add(a, b):\n    return a"
LENGTH = 60
LONG = 8  # a seed whose samples are long with each of the models


def plain(model: PreTrainedModel, prompt: str, length: int) -> list[int]:
    """By transformers' own loop."""
    ids = torch.tensor([tokenizer().encode(prompt)])
    generated = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=length, do_sample=False, pad_token_id=256
    )
    return generated[0, ids.shape[1] :].tolist()


@pytest.fixture(scope="module", params=ARCHITECTURES)
def expected(request: pytest.FixtureRequest) -> tuple[str, list[int]]:
    """An architecture, and what transformers writes with it."""
    return request.param, plain(ARCHITECTURES[request.param](), PROMPT, LENGTH)


@pytest.fixture
async def engine(expected: tuple[str, list[int]]) -> AsyncIterator[Engine]:
    model = ARCHITECTURES[expected[0]]()
    async with started(Forward(model), Vocabulary(tokenizer(), model)) as engine:
        yield engine


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  the engine's thread has no event for it
            await asyncio.sleep(0)


def text(tokens: list[int]) -> str:
    return tokenizer().decode([token for token in tokens if token != 256])


async def test_greedy_text_is_that_of_transformers(engine: Engine, expected: tuple[str, list[int]]) -> None:
    answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0))
    assert answer.text == text(expected[1])


async def test_a_draft_changes_nothing(engine: Engine, expected: tuple[str, list[int]]) -> None:
    right = text(expected[1])
    chance = random.Random(1)
    noise = "".join(chance.choice("abc def()\n") for _ in range(40))
    for draft in (
        right,
        right[:20] + "x" + right[21:],
        right[:20] + right[30:],
        noise,
        "",
        right * 20,
        "日本語のテキスト",
        right[10:],
    ):
        answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0, draft=draft))
        assert answer.text == right, draft
        assert answer.counted is not None
        assert answer.counted.accepted + answer.counted.rejected == len(tokenizer().encode(draft))


async def test_a_right_draft_takes_fewer_passes_than_tokens(engine: Engine, expected: tuple[str, list[int]]) -> None:
    before = engine.load.steps
    right = text(expected[1])
    answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0, draft=right))
    assert answer.counted is not None
    assert engine.load.steps - before <= 1 + (answer.counted.generated - answer.counted.accepted)


async def test_sampling_gives_the_same_with_a_draft_as_without(engine: Engine) -> None:
    asked = Asked(PROMPT, max_tokens=LENGTH, temperature=0.9, seed=5, n=2)
    without = await ask(engine, asked)
    for draft in (without.texts[0], without.texts[1][:30] + "??" + without.texts[1][30:]):
        answer = await ask(engine, Asked(PROMPT, max_tokens=LENGTH, temperature=0.9, seed=5, n=2, draft=draft))
        assert answer.texts == without.texts


async def test_many_at_once_get_what_each_gets_alone(engine: Engine) -> None:
    """More of them than run at once, with prompts of several passes among them."""
    prompts = [PROMPT + "x" * (number * 40) for number in range(7)]
    alone = [await ask(engine, Asked(prompt, max_tokens=20, temperature=0)) for prompt in prompts]
    together = await asyncio.gather(*(ask(engine, Asked(prompt, max_tokens=20, temperature=0)) for prompt in prompts))
    assert [answer.text for answer in together] == [answer.text for answer in alone]


async def test_what_is_known_of_a_prompt_is_not_computed_again(engine: Engine) -> None:
    first = await ask(engine, Asked(PROMPT, max_tokens=10, temperature=0))
    again = await ask(engine, Asked(PROMPT, max_tokens=10, temperature=0))
    assert first.counted is not None
    assert again.counted is not None
    assert first.counted.cached == 0
    assert again.counted.cached == first.counted.prompt - 1
    assert again.text == first.text


async def test_samples_end_for_themselves(engine: Engine) -> None:
    """More of them than run at once."""
    answer = await ask(engine, Asked(PROMPT, max_tokens=30, temperature=1.0, n=9, seed=1, stop=("a", "e", "i")))
    assert all(not set(text) & set("aei") for text in answer.texts.values())
    assert set(answer.reasons.values()) <= {"stop", "length"}
    assert "stop" in answer.reasons.values()


async def test_log_probabilities_are_the_models_own(engine: Engine, expected: tuple[str, list[int]]) -> None:
    answer = await ask(engine, Asked(PROMPT, max_tokens=5, temperature=0, top=2))
    model = ARCHITECTURES[expected[0]]()
    ids = tokenizer().encode(PROMPT)
    with torch.inference_mode():
        logits = model(torch.tensor([ids + expected[1][:5]])).logits[0, len(ids) - 1 : -1]
    own = torch.log_softmax(logits.float(), dim=-1)
    scored = answer.tokens[0]
    assert [token.logprob for token in scored] == pytest.approx(
        [float(own[place, token]) for place, token in enumerate(expected[1][: len(scored)])], abs=1e-3
    )
    assert all(token.top[0][1] == pytest.approx(token.logprob) for token in scored)
    assert all(len(token.top) == 2 for token in scored)


async def test_a_drawn_token_has_the_same_name_among_the_likeliest(engine: Engine) -> None:
    """Also where it is a part of a character, and has none."""
    asked = Asked(PROMPT, max_tokens=LENGTH, temperature=1.0, seed=LONG, top=5)
    scored = (await ask(engine, asked)).tokens[0]
    found = 0
    for token in scored:
        names = [name for name, logprob in token.top if logprob == token.logprob]
        assert not names or token.text in names
        found += bool(names) and token.text == ""
    assert found


async def test_what_was_computed_is_counted_also_where_the_client_leaves(engine: Engine) -> None:
    before = engine.load.tokens
    whole = await ask(engine, Asked(PROMPT, max_tokens=4, temperature=0, draft="xyz"))
    counted = whole.counted
    assert counted is not None
    assert engine.load.tokens == before + counted, "it is told before the request is over"
    answer = engine.answer(Asked(PROMPT, max_tokens=LENGTH, temperature=0))
    async for event in answer:
        if isinstance(event, Piece):
            break
    await answer.aclose()
    await until(lambda: engine.load.tokens.prompt == before.prompt + 2 * counted.prompt)
    assert engine.load.tokens.generated > before.generated + counted.generated
    assert engine.load.tokens.rejected == before.rejected + counted.rejected


async def test_closing_an_answer_frees_the_engine(engine: Engine) -> None:
    answer = engine.answer(Asked(PROMPT, max_tokens=400, temperature=1.0, seed=LONG))
    assert isinstance(await anext(answer), Piece)
    await answer.aclose()
    steps = engine.load.steps
    other = await ask(engine, Asked("x", max_tokens=1, temperature=0))
    assert other.counted is not None
    await until(lambda: engine.load.running == 0)
    assert engine.load.steps - steps <= 4


async def test_a_suffix_is_put_where_the_model_looks_for_it(engine: Engine) -> None:
    assert engine.fim
    with_suffix = await ask(engine, Asked("ab", suffix="cd", max_tokens=8, temperature=0))
    by_hand = await ask(engine, Asked("<fim_prefix>ab<fim_suffix>cd<fim_middle>", max_tokens=8, temperature=0))
    assert with_suffix.text == by_hand.text


async def test_a_prompt_that_leaves_no_room_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match=f"{CONTEXT} tokens") as refused:
        await ask(engine, Asked("x" * CONTEXT, temperature=0))
    assert refused.value.code == "context_length_exceeded"
    answer = await ask(engine, Asked("x" * (CONTEXT - 3), max_tokens=50, temperature=1.0, seed=1))
    assert answer.counted is not None
    assert answer.counted.generated <= 3


async def test_an_empty_prompt_is_refused(engine: Engine) -> None:
    with pytest.raises(Refused, match="empty"):
        await ask(engine, Asked("", temperature=0))


async def test_one_more_than_may_wait_is_told_to_come_again(engine: Engine) -> None:
    asked = Asked(PROMPT, max_tokens=5, temperature=0)
    room = OPTIONS["batch"] + OPTIONS["waiting"]
    answers = await asyncio.gather(*(ask(engine, asked) for _ in range(room + 1)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [Answer] * room + [Busy]


async def test_a_request_that_cannot_be_computed_ends_and_the_others_get_their_text(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = Asked(PROMPT, max_tokens=20, temperature=0)
    alone = (await ask(engine, fine)).text
    run = Forward.run
    mark = tokenizer().encode("POISON")

    def choking(self: Forward, segments: Sequence[Segment]) -> Passed:
        if any(list(segment.tokens)[-len(mark) :] == mark for segment in segments):
            raise torch.OutOfMemoryError("none left")
        return run(self, segments)

    monkeypatch.setattr(Forward, "run", choking)
    poisoned = Asked("x POISON", max_tokens=20, temperature=0)
    answers = await asyncio.gather(*(ask(engine, asked) for asked in (fine, poisoned, fine)), return_exceptions=True)
    assert [answer.text for answer in answers if isinstance(answer, Answer)] == [alone, alone]
    assert isinstance(answers[1], EngineFailed)
    assert (await ask(engine, fine)).text == alone


async def test_what_failed_behind_its_pass_is_computed_again_as_if_it_had_not_been(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Asked(PROMPT, max_tokens=20, temperature=0, draft="something else")
    alone = (await ask(engine, asked)).text
    calls = 0

    def failing(logits: torch.Tensor, places: Sequence[Place]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls % 5 == 0:
            raise torch.OutOfMemoryError("none left")
        return draw(logits, places)

    monkeypatch.setattr(batch, "draw", failing)
    answers = await asyncio.gather(*(ask(engine, asked) for _ in range(3)))
    assert calls > 5
    assert [answer.text for answer in answers] == [alone] * 3


async def test_samples_for_which_there_is_no_memory_now_come_later_and_others_do_not_notice(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = Asked(PROMPT, max_tokens=12, temperature=1.0, seed=LONG, n=6)
    other = Asked("x", max_tokens=12, temperature=0)
    alone = [await ask(engine, each) for each in (several, other)]
    copies = 0
    copy = KeyValues.copy

    def failing(kept: KeyValues, length: int) -> KeyValues:
        nonlocal copies
        copies += 1
        if copies % 2:
            raise torch.OutOfMemoryError("none left")
        return copy(kept, length)

    monkeypatch.setattr(KeyValues, "copy", failing)
    answers = await asyncio.gather(*(ask(engine, each) for each in (other, several, other)))
    assert copies > 2
    assert [each.texts for each in answers] == [alone[1].texts, alone[0].texts, alone[1].texts]
    assert engine.load.failed == 0


async def test_samples_for_which_there_is_never_memory_fail_alone(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_kept: KeyValues, _length: int) -> KeyValues:
        raise torch.OutOfMemoryError("none left")

    monkeypatch.setattr(KeyValues, "copy", failing)
    with pytest.raises(EngineFailed):
        await ask(engine, Asked(PROMPT, max_tokens=4, n=3))
    assert engine.load.failed == 1
    assert (await ask(engine, Asked(PROMPT, max_tokens=4, temperature=0))).text
    assert engine.load.failed == 0


async def test_an_engine_says_whether_its_thread_has_ended(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    computing, go_on = threading.Event(), threading.Event()

    def step(_batch: batch.Batch) -> None:
        computing.set()
        go_on.wait(30)

    monkeypatch.setattr(batch.Batch, "step", step)
    monkeypatch.setattr(engine_module, "_JOIN_S", 0.05)
    asking = asyncio.create_task(ask(engine, Asked("x", max_tokens=1)))
    await asyncio.to_thread(computing.wait, 30)
    assert not await engine.close(grace=0)
    with pytest.raises(Busy):
        await asking
    go_on.set()
    monkeypatch.undo()
    assert await engine.close(grace=0)


async def test_one_who_asks_for_many_samples_does_not_keep_others_waiting(engine: Engine) -> None:
    many = engine.answer(Asked(PROMPT, max_tokens=60, temperature=1.0, n=60, seed=LONG))
    assert isinstance(await anext(many), Piece)
    before = engine.load.steps
    await ask(engine, Asked("x", max_tokens=2, temperature=0))
    assert engine.load.steps - before <= 70  # until one of the first samples has ended, not all of them
    await many.aclose()


async def test_samples_that_ended_leave_no_keys_and_values(engine: Engine) -> None:
    gc.collect()
    before = sum(type(each) is KeyValues for each in gc.get_objects())
    most = 0
    ended = 0
    async for event in engine.answer(Asked(PROMPT, max_tokens=5, temperature=1.0, n=40, seed=3)):
        if isinstance(event, Ended):
            ended += 1
            most = max(most, sum(type(each) is KeyValues for each in gc.get_objects()) - before)
    assert ended == 40
    assert most <= 2 * OPTIONS["batch"] + 2


async def test_a_pass_that_fails_ends_its_requests_and_not_the_engine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(_self: Forward, _segments: object) -> object:
        raise torch.OutOfMemoryError("none left")

    with monkeypatch.context() as patched:
        patched.setattr(Forward, "run", out_of_memory)
        for failed in (1, 2):
            with pytest.raises(EngineFailed):
                await ask(engine, Asked(PROMPT, temperature=0))
            await until(lambda failed=failed: engine.load.failed == failed)
    assert (await ask(engine, Asked(PROMPT, max_tokens=3, temperature=0))).counted is not None
    assert engine.load.failed == 0


async def test_shutting_down_lets_what_runs_end(engine: Engine) -> None:
    running = asyncio.create_task(ask(engine, Asked(PROMPT, max_tokens=400, temperature=1.0, seed=LONG)))
    await until(lambda: engine.load.running > 0)
    closing = asyncio.create_task(engine.close(grace=30))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await ask(engine, Asked(PROMPT, temperature=0))
    answer = await running
    await closing
    assert isinstance(answer.counted, Counted)


async def test_what_does_not_end_in_time_is_ended(engine: Engine) -> None:
    running = asyncio.create_task(ask(engine, Asked(PROMPT, max_tokens=480, temperature=1.0, n=4, seed=LONG)))
    await until(lambda: engine.load.running > 0)
    await engine.close(grace=0)
    with pytest.raises(Busy):
        await running
