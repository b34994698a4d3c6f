"""`rung tune report`: a study as a page with plots, and as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rung.lsp.cli.tune.options import FOLDER, FolderOption, SetOption, explained, needing, results_path


def report(
    set_name: SetOption = "humaneval",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Left out, report.html beside the study.")
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Write one HTML page with plots, and a CSV file of its points."""
    with explained("Stopped; nothing was written."):
        from rung.cascade.tune import results  # here: it loads numpy

        with needing("The report", "tune"):
            from rung.cascade.tune.report import as_csv, as_html
        path = results_path(folder, set_name)
        study = results.read(path)
        page = out or path.with_name("report.html")
        page.write_text(as_html(study), encoding="utf-8")
        numbers = page.with_suffix(".csv")
        numbers.write_text(as_csv(study), encoding="utf-8")
    typer.echo(f"{page} and {numbers} are written.")
