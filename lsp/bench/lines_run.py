"""The models, trees and journal of `rung bench lines`, put together."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from rung.cascade.bench.begin import Begin
from rung.cascade.bench.lines.case import Case
from rung.cascade.bench.lines.journal import Header, Journal
from rung.cascade.bench.lines.ladders import Ladders
from rung.cascade.bench.lines.measuring import Measured, measure
from rung.cascade.bench.lines.strategy import Engine, Strategy
from rung.cascade.bench.lines.tree import Tree
from rung.cascade.ladder import Rung
from rung.lsp.bench.tree_search import searches
from rung.lsp.large_server import EXAMPLE_PRICE, EXTRA, LargeServer, large_server, own_server
from rung.models.http import HttpModel, Timeouts
from rung.models.llama import LlamaModel

CONTEXT = 2048
# Room for one prompt, the least there is: so a call finds nothing in the cache but what the last one left.
_CACHE_MB = 1
_PATIENT = Timeouts(first_token=300.0, whole=300.0)  # times are measured, not cut
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Pair:
    """Two checkpoints by name and file. server: of the large one. threads: of each model."""

    small: str
    small_file: Path
    large: str
    large_file: Path
    server: LargeServer
    threads: int


def header(pair: Pair) -> Header:
    """What the recorded calls depend on. Raises OSError."""
    return Header(
        small=f"{pair.small} sha256 {_sha256(pair.small_file)}",
        large=f"{pair.large} sha256 {_sha256(pair.large_file)}",
        engine=f"context {CONTEXT}, cache {_CACHE_MB} MB, {pair.threads} threads of each model{_by(pair.server)}",
        versions=f"rung {version('rung')}, llama-cpp-python {version('llama-cpp-python')}, "
        f"Python {platform.python_version()}, {platform.machine()}",
    )


def settings(about: Header) -> list[str]:
    """For the reader of the results."""
    price = f"${EXAMPLE_PRICE.input_usd:.2f} and ${EXAMPLE_PRICE.output_usd:.2f} per million tokens in and out"
    return [about.small, f"{about.large}, behind HTTP at {price}", about.engine, about.versions]


async def run(
    pair: Pair,
    cases: Sequence[Case],
    trees: Sequence[Tree],
    journal: Journal,
    scratch: Path,
    *,
    left_only: bool,
    warm: bool,
    seed: int,
    ablated: int,
    ablations: Sequence[Strategy],
    begin: Begin,
) -> Measured:
    """Every strategy on every task, `ablations` on the first `ablated`. scratch: beside the trees.

    Raises ServerFailed, RungFailed, RecordingError and Leaked.
    """
    async with _rungs(pair) as (models, remote), searches(trees, scratch) as search:
        ladders = Ladders(
            small=Rung(pair.small, models[Engine.USUAL], context=CONTEXT),
            large=Rung(pair.large, remote, remote=True, price=EXAMPLE_PRICE, context=CONTEXT),
            models=models,
            large_model=remote,
            roots={tree.name: tree.root for tree in trees},
            search=search,
            journal=journal,
            left_only=left_only,
            warm=warm,
        )
        return await measure(cases, ladders.climb, pair.large, seed, begin, ablated=ablated, ablations=ablations)


@asynccontextmanager
async def _rungs(pair: Pair) -> AsyncIterator[tuple[dict[Engine, LlamaModel], HttpModel]]:
    """The small rung with each engine, of which one is loaded when it is first asked, and the large one behind HTTP."""
    async with AsyncExitStack() as stack:
        models = {
            engine: LlamaModel(
                pair.small,
                pair.small_file,
                context=CONTEXT,
                threads=pair.threads,
                cache_mb=_CACHE_MB,
                exact=engine is not Engine.USUAL,
                drafts=engine is Engine.DRAFTING,
            )
            for engine in Engine
        }
        for model in models.values():
            stack.push_async_callback(model.close)
        start = own_server if pair.server is LargeServer.RUNG else large_server
        url = await stack.enter_async_context(start(pair.large_file, pair.large, context=CONTEXT, threads=pair.threads))
        extra = {} if pair.server is LargeServer.RUNG else EXTRA
        remote = HttpModel(pair.large, url, pair.large, extra=extra, timeouts=_PATIENT)
        stack.push_async_callback(remote.close)
        yield models, remote


def _by(server: LargeServer) -> str:
    """Of the usual one nothing is said: journals that are older go on."""
    return "" if server is LargeServer.LLAMA else f", the large one served by {server}"


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
