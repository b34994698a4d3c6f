"""`rung serve-model`: the GPU rung."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rung.lsp.cli.sentences import sentences
from rung.lsp.cli.tune.options import Refused

if TYPE_CHECKING:
    from rung.models.server.engine import Engine
    from rung.models.server.http.keys import Keys

_LIBRARIES = ("torch", "transformers", "accelerate", "gguf", "starlette", "uvicorn", "prometheus_client")
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")


class Dtype(StrEnum):
    """What the weights are computed in."""

    AUTO = "auto"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


def _device(value: str) -> str:
    if not _DEVICE.fullmatch(value):
        raise typer.BadParameter(f"'{value}' is none of auto, cpu, cuda, cuda:N and mps.")
    return value


def serve_model(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A name that `rung models list` shows, a .gguf file, a folder of weights, or OWNER/NAME of the hub."
        ),
    ],
    device: Annotated[
        str, typer.Option(callback=_device, metavar="auto|cpu|cuda|cuda:N|mps", help="auto: a GPU, if there is one.")
    ] = "auto",
    dtype: Annotated[Dtype, typer.Option(help="auto: bfloat16 on a GPU, else float32.")] = Dtype.AUTO,
    host: Annotated[str, typer.Option(help="Where to listen; beyond this machine only with a key.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8000,
    name: Annotated[
        str | None, typer.Option(help="What clients call the model; the checkpoint's if not given.")
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(
            min=64, max=10_000_000, help="Tokens of prompt and answer; the model's, at most 4,096, if not given."
        ),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=1024, help="Samples that are decoded at once.")] = 16,
    waiting: Annotated[int, typer.Option(min=0, max=100_000, help="Requests that may wait; more get 429.")] = 64,
    keep_tokens: Annotated[
        int, typer.Option(min=0, max=100_000_000, help="Tokens whose keys and values are kept for the next prompts.")
    ] = 16_384,
    key_env: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The environment variable with the key, or several, blanks between them."),
    ] = None,
    grace: Annotated[
        float, typer.Option(min=0, max=3600, help="Seconds that running requests have to end after SIGTERM.")
    ] = 30,
    exits: Annotated[Path | None, typer.Option(metavar="FILE", help="What `rung exits train` wrote.")] = None,
    threads: Annotated[
        int | None, typer.Option(min=1, max=1024, help="Of a processor; torch's choice if not given.")
    ] = None,
) -> None:
    """Serve a model as a large rung: an OpenAI-compatible server that verifies drafts."""
    with sentences():
        try:
            _libraries()
            keys = _keys(key_env)

            def load() -> Engine:
                from rung.models.server.loading import EngineOptions, LoadFailed, load_engine  # takes seconds

                options = EngineOptions(
                    checkpoint=checkpoint,
                    device=device,
                    dtype=str(dtype),
                    context=context,
                    batch=batch,
                    waiting=waiting,
                    keep_tokens=keep_tokens,
                    exits=exits,
                    threads=threads,
                    name=name,
                )
                try:
                    return load_engine(options)
                except LoadFailed as error:
                    raise Refused(str(error)) from error

            _serve(host, port, keys, load, grace)
        except Refused as error:
            typer.echo(str(error), err=True)
            raise typer.Exit(1) from None


def _serve(host: str, port: int, keys: Keys, load: Callable[[], Engine], grace: float) -> None:
    from rung.models.server.http.listening import Address, CannotServe
    from rung.models.server.http.serving import serve

    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("rung").setLevel(logging.INFO)
    try:
        serve(Address(host, port), keys, load, grace=grace, say=typer.echo)
    except CannotServe as error:
        raise Refused(str(error)) from None


def _libraries() -> None:
    missing = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        raise Refused(f"Serving a model needs {', '.join(missing)}; run `pip install 'rung[gpu]'`.")


def _keys(variable: str | None) -> Keys:
    from rung.models.server.http.keys import Keys

    text = os.environ.get(variable, "") if variable else ""
    if variable and not text.strip():
        raise Refused(f"The environment variable {variable} holds no key; set it, or leave out --key-env.")
    try:
        return Keys(text)
    except ValueError as error:
        raise Refused(f"The environment variable {variable} cannot be used: {error}") from None
