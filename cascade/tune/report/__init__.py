"""A study as a page with plots, and as CSV. Needs the extra `rung[tune]`."""

from rung.cascade.tune.report.numbers import as_csv
from rung.cascade.tune.report.page import as_html

__all__ = ["as_csv", "as_html"]
