"""A text is given up after its first tokens, or at the end of its line, where its probability is too low."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.models.http.heal import Cut
from rung.models.http.sample import Sample
from rung.models.llama.engine.engine import Engine
from rung.models.llama.settings import EngineSettings
from rung.models.protocol import FinishReason, Prompt, Sampling, Token, mean_probability
from rung.models.statement import scanner_of

from .llama_asking import Asking

TOKENS = st.lists(
    st.builds(Token, st.sampled_from(["a", "b ", "(", ")", ",\n", "cd"]), st.floats(math.log(0.1), 0)), max_size=8
)
CUTS = st.lists(st.integers(1, 3), min_size=8, max_size=8)
OPEN = Prompt("x = f(")


def fed(tokens: Sequence[Token], cuts: Sequence[int], sampling: Sampling, prompt: Prompt = OPEN) -> Sample:
    """`tokens` in pieces of so many."""
    sample = Sample(Cut.of(prompt.prefix), sampling, scanner_of(prompt, sampling))
    rest = list(tokens)
    for cut in cuts:
        piece, rest = rest[:cut], rest[cut:]
        sample.feed("".join(token.text for token in piece), piece)
    sample.finish(FinishReason.LENGTH)
    return sample


@given(TOKENS, CUTS, st.integers(1, 4), st.floats(0, 1))
def test_an_answer_is_given_up_at_its_nth_token_however_the_server_cuts_it(
    tokens: list[Token], cuts: list[int], count: int, least: float
) -> None:
    sample = fed(tokens, cuts, Sampling(64, doubt=(count, least)))
    doubted = len(tokens) >= count and mean_probability(tokens[:count]) < least
    kept = tokens[:count] if doubted else tokens
    assert sample.text == "".join(token.text for token in kept)
    assert sample.finish_reason is (FinishReason.DOUBT if doubted else FinishReason.LENGTH)
    assert list(sample.tokens) == kept


@given(TOKENS, CUTS, st.floats(0, 1))
def test_a_statement_goes_on_in_the_next_line_where_the_mean_so_far_is_high_enough(
    tokens: list[Token], cuts: list[int], least: float
) -> None:
    sample = fed(tokens, cuts, Sampling(64, statement="python", next_line=least))
    whole = fed(tokens, [len(tokens) or 1], Sampling(64, statement="python", next_line=least))
    assert (sample.text, sample.finish_reason) == (whole.text, whole.finish_reason)
    for at, token in enumerate(tokens):
        before = "".join(each.text for each in tokens[:at])
        if "\n" in token.text and len(sample.text) > len(before + token.text):
            assert mean_probability(tokens[: at + 1]) >= least


def test_without_probabilities_no_answer_goes_on_in_the_next_line() -> None:
    sample = Sample(Cut.of("f("), Sampling(64), scanner_of(OPEN, Sampling(64, statement="python", next_line=0.5)))
    sure = Sample(
        Cut.of("f("),
        Sampling(64, statement="python", next_line=0.5),
        scanner_of(OPEN, Sampling(64, statement="python")),
    )
    for each in (sample, sure):
        each.feed("a,\nb)\n", [])
        each.finish(FinishReason.STOP)
    assert (sample.text, sure.text) == ("a,\nb)", "a,")


@pytest.fixture(scope="module")
def engine(smollm2: Path) -> Iterator[Engine]:
    engine = Engine(smollm2, EngineSettings(context=512, cache_mb=32, threads=2, exact=True))
    yield engine
    engine.close()


@pytest.mark.real
def test_the_engine_gives_up_what_it_doubts_and_counts_only_what_it_wrote(engine: Engine) -> None:
    asking = Asking(engine)
    prompt = Prompt("import os\n\n\ndef read(path):\n    with open(")
    (whole,) = asking.generate(prompt, Sampling(24))
    mean = mean_probability(whole.tokens[:3])
    (doubted,) = asking.generate(prompt, Sampling(24, doubt=(3, mean + 0.01)))
    (kept,) = asking.generate(prompt, Sampling(24, doubt=(3, mean - 0.01)))
    assert (doubted.finish_reason, doubted.tokens) == (FinishReason.DOUBT, whole.tokens[:3])
    assert whole.text.startswith(doubted.text)
    assert doubted.usage.generated < whole.usage.generated
    assert (kept.finish_reason, kept.text) == (whole.finish_reason, whole.text)


@pytest.mark.real
def test_the_engine_ends_a_statement_at_its_line_unless_it_is_sure(engine: Engine) -> None:
    asking = Asking(engine)
    prompt = Prompt("NAMES = [\n    'one',\n    'two',\n    'three',\n")
    (line,) = asking.generate(prompt, Sampling(24, statement="python", next_line=1.0))
    (statement,) = asking.generate(prompt, Sampling(24, statement="python"))
    assert "\n" not in line.text
    assert "\n" in statement.text
    assert statement.text.startswith(line.text)


@pytest.mark.real
def test_the_engine_reads_the_context_before_the_file_and_finds_it_again_behind_another_line(engine: Engine) -> None:
    asking = Asking(engine)
    context = "# shapes.py\ndef perimeter_of_hexagon(side):\n    return 6 * side\n\n# main.py\n" * 3
    (without,) = asking.generate(Prompt("side = 3\nprint(perimeter_of_"), Sampling(8))
    (with_it,) = asking.generate(Prompt("side = 3\nprint(perimeter_of_", context=context), Sampling(8))
    (later,) = asking.generate(Prompt("length = 4\nprint(perimeter_of_", context=context), Sampling(8))
    assert with_it.text.startswith("hexagon(")
    assert not without.text.startswith("hexagon(")
    assert later.usage.cached >= with_it.usage.prompt - without.usage.prompt
