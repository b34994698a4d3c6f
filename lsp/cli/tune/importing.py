"""`rung tune import`: recordings that others made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rung.cascade.tune.importing import Origin, imported, read_rows
from rung.cascade.tune.recording import Recording, entry_line, header_line
from rung.cascade.whole_file import write_whole
from rung.lsp.cli.tune.options import (
    FOLDER,
    FolderOption,
    Refused,
    SetOption,
    configuration,
    explained,
    problems_of,
    recording_path,
)
from rung.models.price import Price

_File = typer.Option(metavar="FILE", help="JSON Lines, also gzipped: objects with `prompt` and `samples`.")


def import_(
    solutions: Annotated[Path, _File],
    tests: Annotated[Path, _File],
    rung: Annotated[str, typer.Option(metavar="NAME", help="What the rung is to be called.")],
    set_name: SetOption = "humaneval",
    model: Annotated[str, typer.Option(help="What wrote them; left out, the rung's name.")] = "",
    l: Annotated[int, typer.Option(min=1, max=16, help="Test lines of a text that count, at most.")] = 4,  # noqa: E741
    temperature: Annotated[float, typer.Option(min=0, help="At which they were sampled.")] = 0.8,
    output_price: Annotated[float | None, typer.Option(min=0, help="$ per million generated tokens.")] = None,
    hours_per_million: Annotated[
        float | None, typer.Option(min=0, help="Hours a million generated tokens take.")
    ] = None,
    gpus: Annotated[int | None, typer.Option(min=1, help="GPUs for that.")] = None,
    usd_per_gpu_hour: Annotated[float | None, typer.Option(min=0, help="$ for one GPU for one hour.")] = None,
    bytes_per_token: Annotated[
        float, typer.Option(min=0.5, max=20, help="The texts come without counts: for the estimate of their tokens.")
    ] = 3.0,
    folder: FolderOption = FOLDER,
) -> None:
    """Take samples that somebody else published as the recording of one more rung."""
    with explained("Stopped; nothing was written."):
        price = _price(output_price, hours_per_million, gpus, usd_per_gpu_hour)
        problems = problems_of(set_name, configuration())
        origin = Origin(rung, model or rung, price, temperature, bytes_per_token)
        recording = imported(problems, read_rows(solutions), read_rows(tests), l, origin)
        path = recording_path(folder, problems.name, rung)
        _write(path, recording)
    found = len({problem for problem, _ in recording.entries})
    typer.echo(
        f"{path}: {recording.header.k} solutions and {recording.header.k} test texts of {found} of "
        f"{len(problems.problems)} problems, at ${price.output_usd:.2f} per million tokens."
    )


def _price(output: float | None, hours: float | None, gpus: int | None, usd: float | None) -> Price:
    if output is not None and hours is None and gpus is None and usd is None:
        return Price(0.0, output)
    if output is None and hours is not None and gpus is not None and usd is not None:
        return Price.from_hardware(hours, gpus, usd)
    raise Refused("A price is --output-price, or --hours-per-million with --gpus and --usd-per-gpu-hour.")


def _write(path: Path, recording: Recording) -> None:
    if path.exists():
        raise Refused(f"{path} is there already; move it away, or choose another --rung.")
    write_whole(path, header_line(recording.header) + b"".join(map(entry_line, recording.entries.values())))
