"""The plots of a run, each as an SVG to be put into a page."""

from __future__ import annotations

import itertools

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from rung.cascade.bench.lines.results import Results
from rung.cascade.bench.lines.strategy import BOTH, CONFIDENCE_ONLY, LARGE_ONLY, REJECTION_ONLY, SMALL_ONLY
from rung.cascade.bench.svg import svg

_COLORS = {
    SMALL_ONLY.name: "#9ecae1",
    LARGE_ONLY.name: "#7b3294",
    CONFIDENCE_ONLY.name: "#e6ab02",
    REJECTION_ONLY.name: "#41ab5d",
    BOTH.name: "#d95f02",
}
_OTHER = "#666666"
_MARKERS = "vsPX^Dp*h<>dH"
_SIZE = (8.8, 4.4)  # inches


def cloud(results: Results) -> str:
    """Exact match and mean latency of every strategy."""

    def draw(axes: Axes) -> None:
        markers = itertools.cycle(_MARKERS)
        for row in results.rows:
            color = _COLORS.get(row.strategy)
            marker = "o" if color else next(markers)
            axes.plot(row.mean_s, row.exact, marker, color=color or _OTHER, label=row.strategy)
        axes.set_xlabel("mean latency, s")
        axes.set_ylabel("exact match")
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(alpha=0.3)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=8)

    return svg(draw, _SIZE)


def sweep(results: Results) -> str:
    """Exact match, and calls of the large rung, over θ."""

    def draw(axes: Axes) -> None:
        right = axes.twinx()
        for name, points in results.sweeps.items():
            thetas, color = [point.theta for point in points], _COLORS[name]
            axes.plot(thetas, [point.exact for point in points], "o-", color=color, label=f"{name}: exact")
            calls = [point.calls / results.asked.tasks for point in points]
            right.plot(thetas, calls, "s--", color=color, label=f"{name}: large calls")
        for each, label in ((axes, "exact match"), (right, "large calls, of all tasks")):
            each.set_ylabel(label)
            each.set_ylim(bottom=0)
            each.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("θ")
        axes.grid(alpha=0.3)
        lines = [*axes.get_lines(), *right.get_lines()]
        labels = [str(line.get_label()) for line in lines]
        axes.legend(lines, labels, loc="upper left", bbox_to_anchor=(1.12, 1), fontsize=8)

    return svg(draw, _SIZE)


def waits(results: Results) -> str:
    """The share of tasks that were done within a time."""

    def draw(axes: Axes) -> None:
        for name, color in _COLORS.items():
            axes.ecdf(results.seconds[name], label=name, color=color)
        axes.set_xlim(left=0)
        axes.set_xlabel("latency, s")
        axes.set_ylabel("share of the tasks")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.grid(alpha=0.3)
        axes.legend(loc="lower right")

    return svg(draw, _SIZE)
