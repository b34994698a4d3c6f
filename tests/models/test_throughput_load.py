"""The requests whose answers are timed."""

from __future__ import annotations

from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from rung.models.throughput.load import Kind, load, prompts_only


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_four_of_five_requests_are_lines_and_one_is_a_function(seed: int, count: int) -> None:
    kinds = [wanted.kind for wanted in islice(load(seed, "m"), count)]
    assert kinds.count(Kind.FUNCTION) == count // 5


@given(st.integers(0, 2**32))
def test_a_line_is_asked_for_in_its_middle_and_a_function_behind_its_docstring(seed: int) -> None:
    for wanted in islice(load(seed, "m"), 10):
        last = wanted.prompt.rsplit("\n", 1)[1]
        assert wanted.prompt == wanted.prompt.rstrip()
        assert last.strip()
        if wanted.kind is Kind.FUNCTION:
            assert last.rstrip().endswith(('"""', "'''", '"', "'"))
            assert wanted.stop[0] == "\ndef "
        else:
            assert wanted.stop == ("\n",)


@given(st.integers(0, 2**32))
def test_no_two_prompts_share_more_than_five_characters_of_their_beginning(seed: int) -> None:
    """Of one load, nor of two with different marks: a prefix cache has nothing to give."""
    prompts = [wanted.prompt for mark in ("a1", "b2") for wanted in islice(load(seed, mark), 12)]
    for place, one in enumerate(prompts):
        for other in prompts[:place]:
            assert one[: len("# 12 a")] != other[: len("# 12 a")]


def test_the_same_seed_asks_for_the_same_places_and_another_for_others() -> None:
    def places(seed: int, mark: str) -> list[str]:
        return [wanted.prompt.split("\n", 1)[1] for wanted in islice(load(seed, mark), 20)]

    assert places(1, "a") == places(1, "b")
    assert places(1, "a") != places(2, "a")


def test_prompts_come_in_several_lengths_that_fit_rungs_default_context() -> None:
    lengths = sorted(len(wanted.prompt) for wanted in islice(load(7, "m"), 200))
    assert lengths[0] < 800
    assert lengths[-1] > 4000
    assert lengths[-1] / 2.5 < 2048, "at 2.5 characters a token, the shortest tokens of code"


def test_prompts_only_is_the_same_load_with_one_token_each() -> None:
    whole, only = list(islice(load(3, "m"), 10)), list(islice(prompts_only(load(3, "m")), 10))
    assert [wanted.prompt for wanted in whole] == [wanted.prompt for wanted in only]
    assert {wanted.max_tokens for wanted in only} == {1}
