"""What is asked stays within its limit, begins where it began before, and ends where the model can go on."""

from __future__ import annotations

import ast

from hypothesis import given
from hypothesis import strategies as st

from rung.cascade import prompts
from rung.cascade.locate import locate
from rung.cascade.prompts import body_stops, prompt_here, window
from rung.cascade.task import Function, Task, TaskKind

from .climb_fakes import ADD, rung, says

sources = st.lists(st.text("ab \né😀", max_size=30), max_size=40).map("\n".join)
limits = st.integers(8, 400)


@given(sources, limits)
def test_a_window_is_the_end_of_the_text_within_its_limit(text: str, limit: int) -> None:
    seen = window(text, limit)
    assert text.endswith(seen)
    assert len(seen) <= limit
    assert len(seen) >= min(len(text), limit // 2)


@given(st.lists(st.text("ab ", max_size=9), min_size=1, max_size=60).map("\n".join), st.integers(80, 400))
def test_a_window_begins_at_a_line(text: str, limit: int) -> None:
    seen = window(text, limit)
    assert len(seen) == len(text) or text[len(text) - len(seen) - 1] == "\n"


@given(sources, limits, st.text("ab \n", max_size=400))
def test_the_windows_beginning_moves_at_most_once_in_a_quarter_of_its_limit(text: str, limit: int, typed: str) -> None:
    text += "x" * limit  # long enough to be cut
    starts = [len(text) + at - len(window(text + typed[:at], limit)) for at in range(len(typed) + 1)]
    assert starts == sorted(starts)
    assert len(set(starts)) <= 2 + len(typed) // (limit // 4)


def test_a_line_break_after_a_very_long_line_keeps_the_line() -> None:
    assert len(window("x" * 10_000 + "\n", 100)) >= 50


@given(sources, sources, st.integers(256, 4096), st.booleans(), st.sampled_from([64, 256]))
def test_a_prompt_fits_the_rungs_context_on_both_sides_of_the_cursor(
    before: str, after: str, context: int, remote: bool, tokens: int
) -> None:
    asked = rung("r", says(""), remote=remote)
    prompt = prompt_here(Task(TaskKind.LINE, before * 20, after * 20), asked, tokens)
    assert (before * 20).endswith(prompt.prefix)
    assert (after * 20).startswith(prompt.suffix)
    assert len(prompt.prefix) + len(prompt.suffix) <= asked.context * 4
    assert prompt.draft == ""


headers = st.sampled_from(
    [
        ADD,
        Function("f", "def f(x):", "", "    "),
        Function("f", '@cache\nasync def f(x) -> int:\n    """Says é."""\n', "", "    "),
        Function("g", "    def g(self):\n        ", "", "        "),
    ]
)


@given(headers)
def test_a_test_prompt_ends_within_an_assertion(function: Function) -> None:
    prompt = prompts.test_prompt(function)
    assert prompt.prefix.endswith("\nassert")
    assert function.name in prompt.prefix
    assert prompt.suffix == ""
    whole = prompt.prefix + " True\n"
    if not function.header.startswith(" "):
        ast.parse(whole)


def test_tests_end_where_the_model_begins_something_else() -> None:
    assert "\ndef " in prompts.test_stops()
    assert all(stop.startswith("\n") and "\nassert".find(stop) < 0 for stop in prompts.test_stops())


@given(headers)
def test_a_body_ends_at_a_line_that_leaves_it_and_at_none_inside(function: Function) -> None:
    stops = body_stops(function)
    assert "\ndef " in stops
    inside = "".join(
        f"\n{function.indent}{line}" for line in ("def inner():", "print(1)", "# note", "@wraps", "return 1")
    )
    assert not [stop for stop in stops if stop in inside]
    if function.header.startswith("    "):
        assert "\n    def " in stops


def test_a_method_that_was_located_stops_at_the_next_method() -> None:
    task = locate("class A:\n    def a(self):\n        ", "\n\n    def b(self): ...\n")
    assert task is not None
    assert task.function is not None
    assert "\n    def " in body_stops(task.function)
