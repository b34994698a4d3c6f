"""Several requests at once on one engine, with the real small checkpoint."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from rung.models.llama.engine.backend import Decoded
from rung.models.llama.engine.engine import Engine
from rung.models.llama.engine.loop import Request
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import Priority, Prompt, Sampling, Token

from .llama_asking import Asking

pytestmark = pytest.mark.real

SETTINGS = EngineSettings(context=1024, cache_mb=48, threads=2, exact=True)
LINES = [f"name_{at} = compute_{at}(value_{at}, other_{at})\n" for at in range(40)]
SOURCE = "".join(LINES)


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Engine]:
    engine = Engine(smollm2, SETTINGS)
    yield engine
    engine.close()


@pytest.fixture
def asking(engine: Engine) -> Asking:
    return Asking(engine)


def prompts(count: int) -> list[Prompt]:
    """Places in different documents, and in one document."""
    return [Prompt(f"# document {at % 3}\n" + SOURCE[: 400 + 53 * at] + "\nname_1") for at in range(count)]


def test_what_is_asked_at_once_gets_the_answers_that_it_gets_alone(asking: Asking) -> None:
    asked = prompts(6)
    alone = [asking.generate(prompt, Sampling(12))[0] for prompt in asked]
    requests = [asking.submit(prompt, Sampling(12)) for prompt in asked]
    asking.work()
    together = [asking.answer(request)[0] for request in requests]
    assert [one.text for one in together] == [one.text for one in alone]


def test_a_line_is_answered_before_the_self_test_that_was_asked_earlier(asking: Asking) -> None:
    background = asking.submit(Prompt(SOURCE[:900]), Sampling(64, 0.8, 4, priority=Priority.FUNCTION))
    for _ in range(12):
        asking.loop.step()
    line = asking.submit(Prompt(SOURCE[:300] + "name_1"), Sampling(8))
    asking.work()
    assert asking.ends == [line, background]
    assert len(asking.answer(background)) == 4


def test_an_urgent_request_interrupts_the_evaluation_of_a_long_prompt(asking: Asking) -> None:
    long = asking.submit(Prompt("# x\n" + SOURCE + SOURCE), Sampling(0, n=0, priority=Priority.BACKGROUND))
    submitted = threading.Event()

    def interrupt() -> None:
        asking.submit(Prompt("a = 1\nb ="), Sampling(4))
        submitted.set()

    timer = threading.Timer(0.05, interrupt)
    timer.start()
    asking.work(until=lambda: submitted.is_set() and len(asking.ends) == 1)
    assert asking.ends[0] is not long
    asking.work()
    assert asking.answer(long) == []
    timer.join()


def test_a_warmed_prompt_is_not_evaluated_again(asking: Asking) -> None:
    place = Prompt("# warm\n" + SOURCE[:1200])
    assert asking.generate(place, Sampling(8, n=0, priority=Priority.BACKGROUND)) == []
    usage = asking.generate(place, Sampling(8))[0].usage
    assert usage.cached == usage.prompt - 1


def test_a_changed_line_is_evaluated_from_the_change(asking: Asking) -> None:
    asking.generate(Prompt(SOURCE), Sampling(1))
    changed = SOURCE.replace(LINES[38], "name_38 = 38\n")
    usage = asking.generate(Prompt(changed), Sampling(1))[0].usage
    assert 0 < usage.prompt - usage.cached < 60 < usage.cached


def test_several_documents_stay_in_the_cache(asking: Asking) -> None:
    places = [Prompt(f"# document {at}\n" + SOURCE[:600]) for at in range(4)]
    for place in places:
        asking.generate(place, Sampling(1))
    again = [asking.generate(place, Sampling(1))[0].usage for place in places]
    assert all(usage.cached == usage.prompt - 1 for usage in again)


def test_more_documents_than_memory_push_out_the_oldest(smollm2: Path) -> None:
    engine = Engine(smollm2, EngineSettings(context=512, cache_mb=12, threads=2))
    try:
        asking = Asking(engine)
        places = [Prompt(f"# document {at}\n" + SOURCE[:900]) for at in range(4)]
        for place in places:
            asking.generate(place, Sampling(4))
        newest, oldest = (asking.generate(places[at], Sampling(4))[0].usage for at in (3, 0))
        assert newest.cached == newest.prompt - 1
        assert oldest.cached < oldest.prompt // 2
    finally:
        engine.close()


@pytest.mark.parametrize("seed", range(4))
def test_after_cancelling_at_random_points_the_greedy_text_is_that_of_a_fresh_engine(
    asking: Asking, fresh: dict[Prompt, str], seed: int
) -> None:
    choose = random.Random(seed)
    asked = list(fresh)
    for _ in range(6):
        victims = [
            asking.submit(choose.choice(asked), choose.choice([Sampling(40), Sampling(30, 0.8, 3), Sampling(9, n=0)]))
            for _ in range(choose.randrange(1, 4))
        ]
        timers = [threading.Timer(choose.uniform(0, 0.4), asking.loop.cancel, [victim]) for victim in victims]
        for timer in timers:
            timer.start()
        asking.work()
        for timer in timers:
            timer.join()
        assert {id(victim) for victim in victims} <= set(asking.answers)
        prompt = choose.choice(asked)
        assert asking.generate(prompt, Sampling(16))[0].text == fresh[prompt]


@pytest.fixture(scope="module")
def fresh(smollm2: Path) -> dict[Prompt, str]:
    """The greedy text of an engine that has seen nothing else, without drafts."""
    texts = {}
    for prompt in prompts(3):
        engine = Engine(smollm2, replace(SETTINGS, drafts=False))
        texts[prompt] = Asking(engine).generate(prompt, Sampling(16))[0].text
        engine.close()
    return texts


def test_cancelling_stops_within_a_token(asking: Asking) -> None:
    seen: list[Token] = []

    def on_token(_: int, token: Token) -> None:
        seen.append(token)
        if len(seen) == 3:
            asking.loop.cancel(request)

    request = asking.submit(Prompt("# count\n1, 2, 3,"), Sampling(200, 0.8), on_token)
    asking.work()
    assert asking.cancelled(request)
    assert len(seen) == 3


def test_cancelling_stops_the_evaluation_of_a_prompt(asking: Asking) -> None:
    long = Prompt((SOURCE + SOURCE).replace("name", "item"))
    request = asking.submit(long, Sampling(4))
    timer = threading.Timer(0.05, asking.loop.cancel, [request])
    timer.start()
    asking.work()
    timer.join()
    assert asking.cancelled(request)
    usage = asking.generate(long, Sampling(1))[0].usage
    assert usage.cached < usage.prompt // 2


def test_keys_that_come_faster_than_whole_chunks_are_evaluated_do_not_keep_a_prompt_from_being_read(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = asking.engine.decode
    request: Request | None = None
    batches: list[int] = []

    def decode_until_the_next_key(tokens: Sequence[int], *rest: Sequence[int]) -> Decoded:
        batches.append(len(tokens))
        if len(tokens) > 16 and request is not None:
            asking.loop.cancel(request)
        return decode(tokens, *rest)

    monkeypatch.setattr(asking.engine, "decode", decode_until_the_next_key)
    long = Prompt((SOURCE + SOURCE).replace("name", "thing"))
    request = asking.submit(long, Sampling(2))
    asking.work()
    assert asking.cancelled(request)
    request = asking.submit(replace(long, prefix=long.prefix + "t"), Sampling(2))
    asking.work()
    assert asking.answer(request)
    assert max(batches) > 16
    batches.clear()
    request = None
    asking.generate(Prompt((SOURCE + SOURCE).replace("name", "other")), Sampling(1))
    assert max(batches) > 16  # nobody is in a hurry any more


def test_what_is_cancelled_while_it_waits_is_never_begun(asking: Asking) -> None:
    first = asking.submit(Prompt("a = 1\n"), Sampling(8, priority=Priority.FUNCTION))
    second = asking.submit(Prompt("b = 2\n"), Sampling(8, priority=Priority.FUNCTION))
    asking.loop.cancel(second)
    asking.work()
    assert asking.cancelled(second)
    assert asking.answer(first)


def test_more_requests_than_sequences_are_all_answered(asking: Asking) -> None:
    requests = [
        asking.submit(Prompt(f"value_{at} = "), Sampling(3, 0.8, 5, priority=Priority.FUNCTION)) for at in range(30)
    ]
    asking.work()
    assert all(len(asking.answer(request)) == 5 for request in requests)


def test_a_prompt_that_the_tokenizer_refuses_is_refused_alone(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    good = asking.submit(Prompt("a = 1\n"), Sampling(2))
    asking.work(until=lambda: bool(asking.ends))
    with monkeypatch.context() as patch:
        patch.setattr(asking.engine.vocabulary, "encode", _refuse)
        bad = asking.submit(Prompt("b"), Sampling(2))
        asking.work()
    with pytest.raises(ValueError, match="refused"):
        asking.answer(bad)
    assert asking.answer(good)


def _refuse(*_: object) -> None:
    raise ValueError("the tokenizer refused a text of 1 bytes")
