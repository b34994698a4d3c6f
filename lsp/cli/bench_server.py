"""`rung bench server`: what drafts and continuous batching are worth in `rung serve-model`'s engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from rung.cascade.bench.begin import Begin
from rung.cascade.bench.data import spread
from rung.cascade.bench.sets.humaneval import problems
from rung.lsp.bench.markdown_table import markdown_table
from rung.lsp.cli.bench_bars import bars, beginning
from rung.lsp.cli.tune.options import Refused, explained, needing

if TYPE_CHECKING:
    from rung.models.server.engine import Engine
    from rung.models.server.measuring import Drafted, Together

_AT_ONCE = (1, 2, 4, 8)
_CONTEXT = 2048
_KEPT = 65_536


def server(
    checkpoint: Annotated[str, typer.Argument(help="As `rung serve-model` takes it.")] = "smollm2-135m",
    count: Annotated[int, typer.Option("--problems", min=2, max=164, help="Of HumanEval, evenly spaced.")] = 12,
    tokens: Annotated[int, typer.Option(min=2, max=1024, help="Of each completion.")] = 64,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    dtype: Annotated[str, typer.Option(help="auto, float32, bfloat16 or float16.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Of a processor.")] = None,
) -> None:
    """Complete HumanEval's functions without a draft, with right and wrong ones, and several at once."""
    with explained("Stopped."):
        with needing("`rung bench server`", "gpu"):
            from rung.models.server.checkpoint import load, source
            from rung.models.server.devices import device_named, dtype_named, use_threads
            from rung.models.server.loading import EngineOptions, LoadFailed, engine_of
            from rung.models.server.measuring import by_transformers
        options = EngineOptions(
            checkpoint=checkpoint,
            device=device,
            dtype=dtype,
            context=_CONTEXT,
            batch=max(_AT_ONCE),
            waiting=max(_AT_ONCE),
            keep_tokens=_KEPT,
            exits=None,
            threads=None,
            name=None,
        )
        prompts = [problem.prompt.rstrip() for problem in spread(list(problems()), max(count, max(_AT_ONCE)))]
        if threads is not None:
            use_threads(threads)
        try:
            where = device_named(device)
            origin = source(checkpoint)
            loaded = load(origin, where, dtype_named(dtype, where))
            plain = by_transformers(*loaded, prompts[:count], tokens)
            engine = engine_of(origin, *loaded, options)
        except LoadFailed as error:
            raise Refused(str(error)) from None
        with bars() as progress:
            verified, batched = asyncio.run(_measured(engine, prompts, count, tokens, beginning(progress)))
    console = Console(width=140)
    console.print(_drafts_table(verified))
    own = sum(each.without.seconds for each in verified) / sum(each.without.counted.generated for each in verified)
    console.print(
        f"Without a draft {own:.4f} s a token; transformers' own generate {plain:.4f} ({own / plain:.2f} of it).\n"
    )
    console.print(_batching_table(batched))


async def _measured(
    engine: Engine, prompts: Sequence[str], count: int, tokens: int, begin: Begin
) -> tuple[list[Drafted], list[Together]]:
    from rung.models.server.measuring import drafted, together

    try:
        verified = await drafted(engine, prompts[:count], tokens, begin("drafts", 2 * count))
        step = begin("at once", len(_AT_ONCE))
        batched = []
        for at_once in _AT_ONCE:
            batched.append(await together(engine, prompts, tokens, at_once))
            step()
        return verified, batched
    finally:
        await engine.close(grace=0)


def _drafts_table(measured: Sequence[Drafted]) -> Table:
    """Seconds are means over the prompts; the ratio is of their sums."""
    table = markdown_table("draft", "s a completion", "of none", "tokens a pass", "accepted", "same text")
    whole = sum(each.without.seconds for each in measured)
    rows = {"none": [each.without for each in measured]}
    rows |= {kind: [each.by_draft[kind] for each in measured] for kind in measured[0].by_draft}
    for kind, done in rows.items():
        seconds = sum(each.seconds for each in done)
        drafted = sum(each.counted.accepted + each.counted.rejected for each in done)
        same = sum(each.text == other.without.text for each, other in zip(done, measured, strict=True))
        table.add_row(
            kind,
            f"{seconds / len(done):.3f}",
            f"{seconds / whole:.2f}",
            f"{sum(each.counted.generated for each in done) / sum(each.passes for each in done):.2f}",
            f"{sum(each.counted.accepted for each in done) / drafted:.0%}" if drafted else "",
            f"{same} of {len(done)}",
        )
    return table


def _batching_table(measured: Sequence[Together]) -> Table:
    table = markdown_table("at once", "tokens a second", "of one", "s until the last ended")
    alone = measured[0].tokens / measured[0].slowest
    for each in measured:
        rate = each.tokens / each.slowest
        table.add_row(str(each.at_once), f"{rate:.1f}", f"{rate / alone:.2f}", f"{each.slowest:.2f}")
    return table
