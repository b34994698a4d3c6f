"""`rung doctor`: is everything there that a completion needs?"""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from rung.cascade.budget import Budget, Limits
from rung.cascade.config import ConfigError, RungConfig, Settings, load, look_up_key
from rung.cascade.sandbox import Sandbox, SandboxUnavailable
from rung.cascade.telemetry import Database
from rung.lsp.rungs import LocalModel, remote_model
from rung.models import build_info
from rung.models.catalogue import CatalogueError, find
from rung.models.llama import CannotShare, Running, running_workers
from rung.models.protocol import ModelError, Prompt, Sampling


@dataclass(frozen=True, slots=True)
class Finding:
    """ok: None where nothing is wrong but something is missing that can be done without."""

    subject: str
    ok: bool | None
    sentence: str


def doctor(
    place: Annotated[Path, typer.Argument(metavar="[DIR]", help="A folder of the project.")] = Path(),
) -> None:
    """Check the build, sandbox, checkpoints, endpoints and budgets: each line is ok, or says what to do."""
    console = Console(highlight=False)
    if not asyncio.run(_examine(place, console)):
        raise typer.Exit(1)


async def _examine(place: Path, console: Console) -> bool:
    """Prints each finding as soon as it is there; whether nothing is wrong."""
    well = True
    async for finding in findings(place):
        mark, style = {True: ("ok", "green"), False: ("!!", "bold red"), None: ("--", "yellow")}[finding.ok]
        console.print(Text.assemble((f"{mark} ", style), (f"{finding.subject}: ", "bold"), finding.sentence))
        well = well and finding.ok is not False
    return well


async def findings(place: Path) -> AsyncIterator[Finding]:
    """What is examined, in order; a configuration that cannot be read ends it."""
    yield _build()
    yield await asyncio.to_thread(_sandbox)
    try:
        settings = await asyncio.to_thread(load, place)
    except ConfigError as error:
        yield Finding("configuration", False, str(error))
        return
    yield _configuration(settings)
    for rung in settings.config.ladder:
        if rung.remote:
            yield await _remote(rung)
        else:
            yield await _local(rung)
    if any(not rung.remote for rung in settings.config.ladder):
        yield await asyncio.to_thread(_workers)
    yield await _budget(settings)


def _build() -> Finding:
    info = build_info.read()
    if info is None:
        return Finding(
            "llama.cpp", None, "how it was built is not recorded; `make install` builds it for this processor."
        )
    wrong = build_info.unsupported(info.cmake_args)
    if wrong:
        return Finding(
            "llama.cpp", False, f"it was built with {', '.join(wrong)}, which this processor lacks; run `make install`."
        )
    return Finding("llama.cpp", True, f"{info.version}, built for {info.processor or 'this platform'} ({info.choice}).")


def _sandbox() -> Finding:
    try:
        Sandbox.find()
    except SandboxUnavailable as error:
        return Finding("sandbox", None, str(error))
    return Finding(
        "sandbox", True, f"{shutil.which('bwrap') or 'the bundled bwrap'} starts; functions are self-tested."
    )


def _configuration(settings: Settings) -> Finding:
    files = [str(file) for file in (settings.user_file, settings.project_file) if file and file.exists()]
    read = " and ".join(files) if files else f"no file ({settings.user_file} is not there), the defaults count"
    if settings.held_back:
        return Finding(
            "configuration", None, f"{read}; {len(settings.held_back)} settings of the project wait for `rung trust`."
        )
    return Finding("configuration", True, f"{read}.")


async def _local(rung: RungConfig) -> Finding:
    subject = f"rung {rung.name}"
    try:
        path = await asyncio.to_thread(find, rung.checkpoint or "")
    except CatalogueError as error:
        return Finding(subject, False, str(error))
    model = LocalModel(rung, lambda _: None)
    began = time.monotonic()
    try:
        await model.start()
        loaded = time.monotonic()
        (generation,) = await model.generate(Prompt("def add(a, b):\n    return a"), Sampling(16))
    except ModelError as error:
        return Finding(subject, False, str(error))
    finally:
        await model.close()
    rate = generation.usage.generated / (time.monotonic() - loaded)
    return Finding(subject, True, f"{path} loads in {loaded - began:.1f} s and writes {rate:.0f} tokens a second.")


def _workers() -> Finding:
    """Of all of the user's servers; the ones that the checks above started among them."""
    try:
        running = running_workers()
    except CannotShare as error:
        return Finding("workers", None, f"{error}. Each editor starts workers of its own.")
    if not running:
        return Finding("workers", True, "none is shared between editors now.")
    return Finding("workers", True, f"{'; '.join(map(_worker, running))}.")


def _worker(worker: Running) -> str:
    memory = "" if worker.memory is None else f"{worker.memory / 1e6:.0f} MB, "
    return f"{worker.checkpoint.name} (pid {worker.pid}, {memory}connections: {worker.connections})"


async def _remote(rung: RungConfig) -> Finding:
    subject = f"rung {rung.name}"
    if rung.key_env:
        lookup = await asyncio.to_thread(look_up_key, rung.key_env)
        if lookup.value is None:
            return Finding(subject, False, f"{lookup.explanation}.")
    model = remote_model(rung)
    try:
        check = await model.check()
    finally:
        await model.close()
    return Finding(subject, check.answers and check.listed is not False, check.sentence)


async def _budget(settings: Settings) -> Finding:
    config = settings.config.budget
    limits = Limits(config.usd_per_day, config.tokens_per_day, config.escalations_per_hour)
    database = Database()
    problems: list[str] = []
    try:
        spent = await Budget(database, limits, settings.project_root, tell=problems.append).spent()
    finally:
        await database.close()
    if spent is None:
        return Finding("budget", False, " ".join(problems) or "it cannot be read.")
    return Finding(
        "budget",
        True,
        f"${spent.usd_today:.4f} of {_limit(limits.usd_per_day, '$')} and {spent.tokens_today:,} of "
        f"{_limit(limits.tokens_per_day)} tokens today, {spent.escalations_this_hour} of "
        f"{_limit(limits.escalations_per_hour)} escalations this hour.",
    )


def _limit(limit: float | None, unit: str = "") -> str:
    return "no limit" if limit is None else f"{unit}{limit:,}"
