"""A study as one HTML page that needs nothing else."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from rung.cascade.tune.report import plots
from rung.cascade.tune.results import Results
from rung.cascade.tune.words import LEVEL_NAMES, interval_text, plan_text, shares_text, verdict


def as_html(results: Results) -> str:
    """Names of rungs and sets are escaped: they come from files."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html.jinja").read_text(encoding="utf-8"))
    return template.render(
        results=results,
        study=results.study,
        verdict=verdict(results),
        levels=[(name, results.study.worth[level]) for level, name in LEVEL_NAMES.items()],
        cloud=Markup(plots.cloud(results)),
        sweep=Markup(plots.sweep(results)),
        answers=Markup(plots.answers(results)),
        plan=lambda plan: plan_text(results, plan),
        shares=lambda shares: shares_text(results, shares),
        interval=interval_text,
        percent=lambda share: f"{share:.1%}",
        money=lambda dollars: f"${dollars * 1000:.4f}",
    )
