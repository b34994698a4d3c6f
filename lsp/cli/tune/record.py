"""`rung tune record`: what each rung writes for each problem of a set."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from rung.cascade.bench.problem import ProblemSet
from rung.cascade.config import Config, RungConfig
from rung.cascade.ladder import Rung
from rung.cascade.tune.journal import journal
from rung.cascade.tune.record import header_of, missing
from rung.cascade.tune.record import record as record_calls
from rung.lsp.cli.bench_bars import bars, beginning
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
from rung.lsp.rungs import llama_model, remote_model
from rung.models.catalogue import find
from rung.models.protocol import Model

_SAVED = "Stopped; every answer so far is kept. The same command goes on from there."
_LOCAL_FLIGHT, _REMOTE_FLIGHT = 1, 8  # a local engine batches one call's texts; a server batches what comes


def record(
    set_name: SetOption = "humaneval",
    rungs: Annotated[
        list[str] | None,
        typer.Option("--rung", metavar="NAME", help="A rung of the configured ladder; repeat it. Left out, all."),
    ] = None,
    checkpoints: Annotated[
        list[str] | None,
        typer.Option("--checkpoint", metavar="NAME", help="A checkpoint that is no rung of the ladder; repeat it."),
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=200, help="Solutions and test texts that are sampled.")] = 10,
    l: Annotated[int, typer.Option(min=1, max=16, help="Test lines that a test text has room for.")] = 4,  # noqa: E741
    count: Annotated[
        int | None, typer.Option("--problems", min=1, help="Only so many of the set, evenly spaced.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the samples.")] = 0,
    flight: Annotated[
        int | None,
        typer.Option(min=1, max=256, help="Calls under way at once; left out, 1 to a local and 8 to a remote rung."),
    ] = None,
    folder: FolderOption = FOLDER,
) -> None:
    """Record greedy and sampled solutions and test texts of each rung. Goes on where it was stopped or killed."""
    with explained(_SAVED):
        config = configuration()
        problems = problems_of(set_name, config, count)
        chosen = _chosen(config, rungs, checkpoints)
        asyncio.run(_record_all(chosen, problems, folder, k=k, l=l, seed=seed, flight=flight))


def _chosen(config: Config, rungs: list[str] | None, checkpoints: list[str] | None) -> list[RungConfig]:
    by_name = {rung.name: rung for rung in config.ladder}
    for name in rungs or ():
        if name not in by_name:
            raise Refused(f"--rung {name}: the configured ladder has no such rung, only {', '.join(by_name)}.")
    named = rungs if rungs or checkpoints else list(by_name)
    return [by_name[name] for name in named or ()] + [_of_checkpoint(name) for name in checkpoints or ()]


def _of_checkpoint(name: str) -> RungConfig:
    try:
        return RungConfig(name=Path(name).stem, checkpoint=name)
    except ValidationError:
        raise Refused(
            f"--checkpoint {name}: its name cannot be a rung's; put it into a configured ladder under another."
        ) from None


async def _record_all(
    chosen: list[RungConfig],
    problems: ProblemSet,
    folder: Path,
    *,
    k: int,
    l: int,  # noqa: E741
    seed: int,
    flight: int | None,
) -> None:
    with bars() as progress:
        begin = beginning(progress)
        for config in chosen:
            rung = await asyncio.to_thread(rung_to_record, config)
            try:
                header = header_of(problems, rung, config.model or config.checkpoint or "", k=k, l=l, seed=seed)
                path = recording_path(folder, problems.name, rung.name)
                with journal(path, header) as opened:
                    calls = missing(opened, problems.problems)
                    step: Callable[[], None] = begin(f"{problems.name}, {rung.name}", len(calls))
                    at_once = flight or (_REMOTE_FLIGHT if rung.remote else _LOCAL_FLIGHT)
                    await record_calls(opened, calls, rung, flight=at_once, on_call=step)
            finally:
                await rung.model.close()
            typer.echo(f"{path}: {len(problems.problems)} problems, {len(calls)} calls made now.")


def rung_to_record(config: RungConfig, *, drafts: bool = False) -> Rung:
    """A local one is exact: a text must not depend on where a recording was interrupted. Raises CatalogueError."""
    if config.remote:
        model: Model = remote_model(config)
    else:
        exact = config.model_copy(update={"exact": True})
        model = llama_model(exact, find(config.checkpoint or ""), drafts=drafts)
    return Rung(config.name, model, config.remote, price=config.to_price(), context=config.context)
