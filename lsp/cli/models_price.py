"""`rung models price`: what a server's tokens cost on its hardware, from its throughput under load."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status

from rung.cascade.config import look_up_key
from rung.lsp.cli.models_price_told import Hardware, sentence, tell
from rung.lsp.cli.sentences import INTERRUPTED
from rung.lsp.cli.tune.options import Refused, explained
from rung.models.http.endpoint import Endpoint
from rung.models.http.failures import Failure
from rung.models.throughput import Measured, Plan, Server, run

_MOST_AT_ONCE = 1024


def _finite(value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number to measure with.")
    return value


def price(
    url: Annotated[str, typer.Argument(help="Base of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1.")],
    usd_per_hour: Annotated[float, typer.Option(min=0, callback=_finite, help="$ for one GPU for one hour.")],
    gpus: Annotated[int, typer.Option(min=1, max=100_000, help="GPUs that the server runs on.")] = 1,
    model: Annotated[str | None, typer.Option(help="As the server calls it; left out, the only one it has.")] = None,
    key_env: Annotated[
        str | None, typer.Option(help="Name of the environment variable or keyring entry that holds the key.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.1, max=3600, callback=_finite, help="For each number of requests at once.")
    ] = 20.0,
    concurrency: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Requests at once; left out, 1, 2, 4, ... while it helps.")
    ] = None,
    p95_ms: Annotated[
        float | None,
        typer.Option("--p95-ms", min=1, callback=_finite, help="The price where 95% of the lines come within this."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before requests go to another machine.")] = False,
) -> None:
    """Measure a server's tokens per second under load, and what a million of them cost on its hardware."""
    measured = Measured()
    hardware = Hardware(usd_per_hour, gpus)
    with explained("Stopped."), _failures():
        plan = Plan(_levels(concurrency), seconds, None if p95_ms is None else p95_ms / 1000)
        endpoint = _endpoint(url, key_env)
        _announce(endpoint, plan, yes)
        try:
            asyncio.run(_measure(endpoint, model, plan, measured))
        except KeyboardInterrupt:
            typer.echo("Stopped; this was measured so far:", err=True)
            tell(measured, plan, hardware)
            raise typer.Exit(INTERRUPTED) from None
    if not tell(measured, plan, hardware):
        raise typer.Exit(1)


async def _measure(endpoint: Endpoint, model: str | None, plan: Plan, measured: Measured) -> None:
    """Raises Failure, ModelError."""
    async with Server(endpoint, model or "") as server:
        server.model = model or await server.only_model()
        with Status("", console=Console(stderr=True)) as status:
            await run(server, plan, measured, lambda what: status.update(f"{server.model}: {what}"))


def _endpoint(url: str, key_env: str | None) -> Endpoint:
    key = None
    if key_env is not None:
        found = look_up_key(key_env)
        if found.value is None:
            raise Refused(f"{found.explanation}.")
        key = found.value
    try:
        return Endpoint("price", url, lambda: key, key_env)
    except ValueError as error:
        raise Refused(sentence(str(error))) from None


def _levels(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = text.split(",")
    if not all(part.isdecimal() and 1 <= int(part) <= _MOST_AT_ONCE for part in parts):
        raise Refused(f"--concurrency takes whole numbers from 1 to {_MOST_AT_ONCE}, such as 1,4,16.")
    return tuple(map(int, parts))


def _announce(endpoint: Endpoint, plan: Plan, yes: bool) -> None:
    """What will be sent; and the question, as a server elsewhere may be one that takes money for it."""
    typer.echo(
        f"At most {plan.requests:,} requests go to {endpoint}: about {plan.prompt_tokens / 1e6:.2f} million tokens of "
        f"prompts, and up to {plan.generated_tokens / 1e6:.2f} million generated.",
        err=True,
    )
    if not endpoint.loopback and not yes:
        typer.confirm("It is another machine, which may charge for them. Send them?", abort=True, err=True)


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except Failure as failure:
        raise Refused(sentence(str(failure.error))) from None
