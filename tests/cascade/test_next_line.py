"""Where the cursor comes with the Enter key."""

from __future__ import annotations

import pytest

from rung.cascade.next_line import next_line


@pytest.mark.parametrize(
    ("before", "language", "expected"),
    [
        ("x = 1", "python", "\n"),
        ("def f():\n    x = 1", "python", "\n    "),
        ("def f():\n    if x:", "python", "\n        "),
        ("def f():\n  if x:", "python", "\n    "),
        ("def f():\n\tif x:", "python", "\n\t\t"),
        ("def f():\n    if x:\n        return 1", "python", "\n    "),
        ("def f():\n    return_value = 1", "python", "\n    "),
        ("x = foo(", "python", "\n    "),
        ("function f() {", "javascript", "\n    "),
        ("case 1:", "javascript", "\n"),
    ],
)
def test_the_indentation_goes_on_deeper_or_back_as_the_line_says(before: str, language: str, expected: str) -> None:
    assert next_line(before, language) == expected
