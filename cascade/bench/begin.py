"""How a benchmark tells what it is at."""

from __future__ import annotations

from collections.abc import Callable

Begin = Callable[[str, int], Callable[[], None]]
"""(what is measured, its steps) to what is called after each step."""
