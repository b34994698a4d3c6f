"""A plot as an SVG to be put into a page. Needs matplotlib: the extra `rung[tune]`."""

from __future__ import annotations

import io
from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure


def svg(draw: Callable[[Axes], None], size: tuple[float, float]) -> str:
    """size: in inches."""
    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots())
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
