"""llama-server as llama.vim's users start it, and what llama.vim asks it.

`/infill` refuses a checkpoint without tokens for fill-in-the-middle (status 501), which those of rung's catalogue that
are measured here do not have. So the same parts go to `/completion`, in the order in which `/infill` puts them: extra
chunks, lines above, the line of the cursor; the suffix has no place.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import httpx

from rung.lsp.bench.keystrokes.peer_context import Context
from rung.lsp.bench.keystrokes.peer_ring import Chunk
from rung.models.bench.llama_server import counts_in
from rung.models.bench.server_process import NAME, ServerProcess
from rung.models.bench.setup import Setup
from rung.models.bench.work import BenchFailed

_CONTEXT, _BATCH = 8192, 1024
# As llama.cpp's presets for completion do, of which llama.vim's users are told; one user needs one slot.
_OPTIONS = ("-np", "1", "-c", str(_CONTEXT), "-b", str(_BATCH), "-ub", str(_BATCH), "--cache-reuse", "256")
_PREDICT = 128
# `/infill` keeps so many tokens of the lines above, and of extra chunks what then fits.
_PREFIX_TOKENS = 3 * _BATCH // 4
_EXTRA_TOKENS = _CONTEXT - _BATCH - 2 * _PREDICT
_SEPARATOR = "\n\n--- snippet ---\n\n"


class PeerServer:
    """evaluated, generated: tokens of everything it was asked."""

    def __init__(self, program: Path, setup: Setup) -> None:
        self._server = ServerProcess(program, setup, _OPTIONS)
        self._bytes_a_token = 3.5
        self.evaluated = self.generated = 0

    @property
    def pid(self) -> int:
        return self._server.pid

    async def start(self) -> None:
        """Raises BenchFailed."""
        await self._server.start()

    async def close(self) -> None:
        await self._server.close()

    async def measure_tokens(self, text: str) -> None:
        """Such text has so many bytes a token; `/infill` cuts by tokens. Raises BenchFailed."""
        tokens = (await self._post("/tokenize", {"content": text})).get("tokens")
        if isinstance(tokens, list) and tokens:
            self._bytes_a_token = len(text.encode()) / len(tokens)

    async def ask(self, context: Context, chunks: Sequence[Chunk], predict_ms: int) -> str:
        """predict_ms: the time for tokens once a line is complete. Greedy, as rung asks. Raises BenchFailed."""
        prompt = self._extra(chunks) + self._lines_above(context.prefix) + context.middle
        return await self._complete(prompt, _PREDICT, context.indent, predict_ms)

    async def warm(self, chunks: Sequence[Chunk]) -> None:
        """Evaluate the extra chunks ahead. Raises BenchFailed."""
        await self._complete(self._extra(chunks), 0, 0, 1)

    async def _complete(self, prompt: str, predict: int, indent: int, predict_ms: int) -> str:
        body = {
            "prompt": prompt,
            "id_slot": 0,
            "n_predict": predict,
            "n_indent": indent,
            "t_max_predict_ms": predict_ms,
            "samplers": ["temperature"],
            "temperature": 0.0,
            "cache_prompt": True,
            "stream": False,
        }
        answer = await self._post("/completion", body)
        counts = counts_in(answer)
        self.evaluated += counts.prompt - counts.cached
        self.generated += counts.generated
        return str(answer.get("content", ""))

    async def _post(self, path: str, body: object) -> dict[str, object]:
        try:
            response = await self._server.client.post(path, json=body)
            answer = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BenchFailed(f"{NAME} failed ({type(error).__name__}): {error}") from None
        if response.status_code != httpx.codes.OK or not isinstance(answer, dict):
            raise BenchFailed(f"{NAME} refused a request with status {response.status_code}.")
        return answer

    def _extra(self, chunks: Sequence[Chunk]) -> str:
        """The chunks that fit, the first ones left out."""
        texts = [_SEPARATOR + "\n".join(chunk) + "\n" for chunk in chunks]
        return "".join(_last(texts, int(_EXTRA_TOKENS * self._bytes_a_token)))

    def _lines_above(self, prefix: str) -> str:
        return "".join(_last(prefix.splitlines(keepends=True), int(_PREFIX_TOKENS * self._bytes_a_token)))


def _last(texts: Sequence[str], room: int) -> list[str]:
    """The last of the texts that have at most `room` bytes together."""
    sizes = itertools.accumulate(len(text.encode()) for text in reversed(texts))
    kept = sum(1 for _ in itertools.takewhile(lambda size: size <= room, sizes))
    return list(texts[len(texts) - kept :])
