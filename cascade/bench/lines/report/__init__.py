"""A run as one HTML page. Needs the extra `rung[tune]`."""

from rung.cascade.bench.lines.report.page import as_html

__all__ = ["as_html"]
