"""The configured ladder as models that run."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from rung.cascade.config import Config, RungConfig, resolve_key
from rung.cascade.ladder import Ladder, Rung
from rung.lsp.notice import Level, Notice, Notify
from rung.models.catalogue import CatalogueError, find
from rung.models.http import HttpModel, Timeouts
from rung.models.llama import LlamaModel, Sharing
from rung.models.protocol import Generation, ModelError, ModelUnavailable, OnSample, OnToken, Prompt, Sampling


class LocalModel:
    """A checkpoint by its name; looked for with each request until it is there, so that a pull needs no restart."""

    def __init__(self, config: RungConfig, notify: Notify) -> None:
        self._config = config
        self._notify = notify
        self._model: LlamaModel | None = None
        self._finding = asyncio.Lock()
        self._closed = False

    @property
    def name(self) -> str:
        return self._config.name

    @property
    def worker_pid(self) -> int | None:
        """Of the running worker."""
        return self._model.worker_pid if self._model else None

    async def tokens(self) -> dict[str, int] | None:
        """Those that its worker has "evaluated" of prompts and "generated" so far; None where no worker runs."""
        if self._model is None or self._model.worker_pid is None:
            return None
        try:
            status = await self._model.status()
        except ModelError:
            return None
        return {name: status[name] for name in ("evaluated", "generated")}

    async def start(self) -> None:
        """Load it now. Raises ModelError."""
        await (await self._found()).start()

    async def generate(
        self,
        prompt: Prompt,
        sampling: Sampling,
        on_token: OnToken | None = None,
        on_sample: OnSample | None = None,
    ) -> list[Generation]:
        """See `Model`."""
        return await (await self._found()).generate(prompt, sampling, on_token, on_sample)

    async def warm(self, prompt: Prompt, sampling: Sampling) -> None:
        """Let it read `prompt` ahead of a request. Never raises ModelError: the request tells what is wrong."""
        with suppress(ModelError):
            await (await self._found()).warm(prompt, sampling)

    async def close(self) -> None:
        self._closed = True  # what is being looked for now is not started any more
        async with self._finding:
            model = self._model
        if model is not None:
            await model.close()

    async def _found(self) -> LlamaModel:
        async with self._finding:
            if self._closed:
                raise ModelUnavailable(f"The local model {self._config.name} is shut down.")
            if self._model is None:
                try:
                    path = await asyncio.to_thread(find, self._config.checkpoint or "")
                except CatalogueError as error:
                    raise ModelUnavailable(str(error)) from None
                self._model = llama_model(self._config, path, sharing=_sharing(), on_crash=self._crashed)
            return self._model

    def _crashed(self, sentence: str) -> None:
        self._notify(Notice(Level.WARNING, sentence))


def llama_model(
    config: RungConfig,
    path: Path,
    *,
    drafts: bool = True,
    sharing: Sharing | None = None,
    on_crash: Callable[[str], None] = lambda _: None,
) -> LlamaModel:
    """The checkpoint at `path`, as the rung is configured; see `LlamaModel` for the rest."""
    return LlamaModel(
        config.name,
        path,
        context=config.context,
        threads=config.threads,
        cache_mb=config.cache_mb,
        gpu_layers=config.gpu_layers,
        exact=config.exact,
        drafts=drafts,
        sharing=sharing,
        on_crash=on_crash,
    )


def ladder_of(config: Config, notify: Notify) -> Ladder:
    """The rungs of `config`, none of them started."""
    return Ladder(tuple(_rung(rung, notify) for rung in config.ladder), config.theta.by_kind())


def _sharing() -> Sharing | None:
    # For whoever wants no process to outlive the editor, and for tests.
    return None if os.environ.get("RUNG_WORKER") == "private" else Sharing()


def _rung(config: RungConfig, notify: Notify) -> Rung:
    return Rung(
        name=config.name,
        model=remote_model(config) if config.remote else LocalModel(config, notify),
        remote=config.remote,
        k=config.k,
        l=config.l,
        theta=config.theta.by_kind(),
        price=config.to_price(),
        context=config.context,
    )


def remote_model(config: RungConfig) -> HttpModel:
    """The model behind `url`."""
    return HttpModel(
        config.name,
        config.url or "",
        config.model or "",
        key=partial(resolve_key, config.key_env) if config.key_env else None,
        key_name=config.key_env,
        suffix=config.suffix,
        extra=config.extra,
        timeouts=Timeouts(
            connect=config.timeouts.connect,
            first_token=config.timeouts.first_token,
            whole=config.timeouts.whole,
        ),
    )
