"""A run as one HTML page that needs nothing else."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from rung.cascade.bench.lines import words
from rung.cascade.bench.lines.report import plots
from rung.cascade.bench.lines.results import Results


def as_html(results: Results) -> str:
    """Names are escaped: they come from files and folders."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(files(__package__).joinpath("page.html.jinja").read_text(encoding="utf-8"))
    return template.render(
        results=results,
        asked=results.asked,
        verdict=words.verdict(results),
        columns=words.COLUMNS,
        rows=[words.cells(results, row) for row in results.rows],
        compared=[words.compared(row.strategy, row.beside) for row in results.rows if row.beside],
        spent=words.spent_rows(results),
        spent_columns=words.SPENT_COLUMNS,
        kinds=list(results.asked.kinds),
        cloud=Markup(plots.cloud(results)),
        sweep=Markup(plots.sweep(results)),
        waits=Markup(plots.waits(results)),
        percent=lambda share: f"{share:.1%}",
    )
