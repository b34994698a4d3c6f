"""What is made of lines with and without drafts."""

from __future__ import annotations

from rung.models.bench.drafting import Timed, differing, series_of, speed_up
from rung.models.bench.series import find
from rung.models.protocol import FinishReason, Generation, Usage


def timed(seconds: float, text: str, accepted: int = 0, rejected: int = 0) -> Timed:
    usage = Usage(prompt=100, cached=99, generated=10, accepted_draft=accepted, rejected_draft=rejected)
    return Timed(seconds, Generation(text, (), FinishReason.STOP, usage, seconds))


def test_the_speed_up_is_that_of_all_lines_together_and_every_other_text_is_counted() -> None:
    pairs = [(timed(1.0, "a", 6, 2), timed(2.0, "a")), (timed(0.1, "b", 1, 3), timed(0.2, "c"))]
    series = series_of("x", pairs)
    values = {one.quantity: one.values for one in series}
    assert values[speed_up("x")] == (2.2 / 1.1,)
    assert values[differing("x")] == (1,)
    found = find(series, "drafts: drafted and right, lines of x", "rung")
    assert found is not None
    assert found.values == (7,)
    assert values["drafts: drafted and wrong, lines of x"] == (5,)
