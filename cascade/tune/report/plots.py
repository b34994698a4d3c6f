"""The plots of a study, each as an SVG to be put into a page."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from rung.cascade.bench.svg import svg
from rung.cascade.tune.results import Results
from rung.cascade.tune.words import plan_text

_CLOUD, _CASCADE, _SINGLE, _SPECULATIVE = "#9ecae1", "#2ca02c", "#7b3294", "#e6ab02"  # the paper's figure 3
_RUNGS = ("#c6dbef", "#6baed6", "#2171b5", "#08306b", "#41ab5d", "#005a32")
_SIZE = (7.2, 4.4)  # inches


def cloud(results: Results) -> str:
    """Every setting at the best θ of the first split, judged on its 70%; which ones its 30% chose (figure 3)."""

    def draw(axes: Axes) -> None:
        found = results.study.cloud
        dollars = [value * 1000 for value in found.dollars]
        axes.scatter(dollars, found.accuracy, s=6, color=_CLOUD, label="all settings", rasterized=len(dollars) > 5000)
        for label, kept, marker, color in (
            ("chosen, ladders", found.cascade, "o", _CASCADE),
            ("chosen, single models", found.single, "x", _SINGLE),
        ):
            axes.plot(
                [dollars[index] for index in kept],
                [found.accuracy[index] for index in kept],
                marker,
                color=color,
                label=label,
                markersize=6,
            )
        for point in results.speculative:
            axes.plot(point.dollars * 1000, point.accuracy, "D", color=_SPECULATIVE, label=point.label)
        _money(axes, dollars)
        axes.set_title(f"θ = {found.theta:g}")

    return svg(draw, _SIZE)


def sweep(results: Results) -> str:
    """Cost and accuracy of one ladder over θ (figure 2)."""

    def draw(axes: Axes) -> None:
        points = results.study.sweep
        thetas = [point.theta for point in points]
        axes.plot(thetas, [point.accuracy for point in points], "o-", color=_CASCADE, label="accuracy")
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("θ")
        axes.set_ylabel("accuracy")
        right = axes.twinx()
        right.plot(thetas, [point.dollars * 1000 for point in points], "s--", color=_SINGLE, label="cost")
        right.set_ylabel("$ per 1,000 completions")
        lines = [*axes.get_lines(), *right.get_lines()]
        axes.legend(lines, [str(line.get_label()) for line in lines])
        axes.set_title(plan_text(results, points[0].plan))

    return svg(draw, _SIZE)


def answers(results: Results) -> str:
    """How often each rung answers, over θ, for the same ladder."""

    def draw(axes: Axes) -> None:
        points = results.study.sweep
        thetas = [point.theta for point in points]
        shares = [[point.shares[rung] for point in points] for rung in range(len(results.rungs))]
        colors = [_RUNGS[index % len(_RUNGS)] for index in range(len(results.rungs))]
        axes.stackplot(thetas, *shares, labels=[rung.name for rung in results.rungs], colors=colors)
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set_xlabel("θ")
        axes.set_ylabel("answered by")
        axes.legend(loc="upper right")

    return svg(draw, _SIZE)


def _money(axes: Axes, dollars: list[float]) -> None:
    if min(dollars) > 0:
        axes.set_xscale("log")
        axes.set_xlim(left=min(dollars) * 0.8)
    elif paid := [value for value in dollars if value > 0]:
        axes.set_xscale("symlog", linthresh=min(paid))  # what is free is on it, too
    axes.set_xlabel("$ per 1,000 completions")
    axes.set_ylabel("accuracy (pass@1)")
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
