"""Two servers that rung did not write, with a real checkpoint: llama-cpp-python's and llama.cpp's own."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rung.models.free_port import free_port
from rung.models.http import HttpModel, Timeouts
from rung.models.protocol import FinishReason, ModelRefused, Prompt, Sampling, Token

from .. import servers

pytestmark = pytest.mark.real
TIMEOUTS = Timeouts(connect=5, first_token=60, whole=90)
PROMPT = Prompt('def add(a, b):\n    """Return the sum of a and b."""\n    ')
# llama-cpp-python's server penalizes repetition unless told otherwise
PLAIN = {"repeat_penalty": 1.0}


@pytest.fixture(scope="module")
def llama_cpp_python(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with _llama_cpp_python(smollm2, tmp_path_factory.mktemp("server"), "true") as url:
        yield url


@pytest.fixture(scope="module")
def llama_server(llama_server_program: str, smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("server") / "log"
    with servers.llama_server(llama_server_program, smollm2, log, "-t", "2", "-c", "4096") as server:
        yield server.url


@pytest.fixture(params=["llama_cpp_python", "llama_server"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(request.param)
    return found


async def test_a_real_server_completes_at_the_cursor(url: str) -> None:
    seen: list[tuple[int, Token]] = []
    model = HttpModel("large", url, "smol", timeouts=TIMEOUTS, extra=PLAIN)
    [line] = await model.generate(PROMPT, Sampling(24, stop=("\n",)), lambda *token: seen.append(token))
    [again] = await model.generate(PROMPT, Sampling(24, stop=("\n",)))
    await model.close()
    assert line.text == again.text
    assert line.text.startswith("return a + b")
    assert line.text in "".join(token.text for token in line.tokens)
    assert [(0, token) for token in line.tokens] == seen
    assert all(token.logprob <= 0 for token in line.tokens)
    assert line.finish_reason is FinishReason.STOP


async def test_a_real_server_gives_n_different_samples(url: str) -> None:
    model = HttpModel("large", url, "smol", timeouts=TIMEOUTS, extra=PLAIN)
    ended: list[tuple[int, str]] = []
    samples = await model.generate(
        Prompt("# A poem about"), Sampling(12, 0.8, n=3, seed=1), on_sample=lambda *sample: ended.append(sample)
    )
    await model.close()
    assert len({sample.text for sample in samples}) == 3
    assert set(ended) <= {(index, sample.text) for index, sample in enumerate(samples)}
    for sample in samples:
        assert sample.text
        assert sample.finish_reason is (FinishReason.LENGTH if sample.usage.generated == 12 else FinishReason.STOP)


async def test_a_real_server_takes_a_draft_or_ignores_it(url: str) -> None:
    model = HttpModel("large", url, "smol", timeouts=TIMEOUTS, extra=PLAIN)
    [line] = await model.generate(Prompt(PROMPT.prefix, draft="return a + b"), Sampling(8, stop=("\n",)))
    await model.close()
    assert line.text.startswith("return a + b")


async def test_a_real_server_answers_the_doctor(url: str) -> None:
    model, other = (HttpModel("large", url, name, timeouts=TIMEOUTS) for name in ("smol", "gpt"))
    assert (await model.check()).listed is True
    assert (await other.check()).listed is False
    await model.close()
    await other.close()


async def test_a_real_server_is_free_again_once_a_request_is_cancelled(url: str) -> None:
    model = HttpModel("large", url, "smol", timeouts=TIMEOUTS)
    begun = asyncio.Event()
    long = asyncio.create_task(
        model.generate(Prompt("1, 2, 3,"), Sampling(2000, 1.5), lambda _index, _token: begun.set())
    )
    await asyncio.wait_for(begun.wait(), 60)
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    started = time.monotonic()
    await model.generate(Prompt("x"), Sampling(1))
    await model.close()
    assert time.monotonic() - started < 8, "2000 tokens take 15 s and more"


async def test_llama_server_counts_and_says_what_it_refuses(llama_server: str) -> None:
    model = HttpModel("large", llama_server, "smol", timeouts=TIMEOUTS)
    samples = await model.generate(Prompt("# A poem about"), Sampling(5, 0.8, n=6))
    assert len(samples) == 6
    assert all(sample.usage.counted and sample.usage.generated <= 5 for sample in samples)
    with pytest.raises(ModelRefused, match="context"):
        await model.generate(Prompt("a b " * 5000), Sampling(5))
    await model.close()


async def test_llama_cpp_pythons_server_without_log_probabilities_still_answers(smollm2: Path, tmp_path: Path) -> None:
    with _llama_cpp_python(smollm2, tmp_path, "false") as url:
        model = HttpModel("large", url, "smol", timeouts=TIMEOUTS, extra=PLAIN)
        for _ in range(2):
            [line] = await model.generate(PROMPT, Sampling(24, stop=("\n",)))
            assert line.text.startswith("return a + b")
            assert line.tokens == ()
            assert not line.usage.counted
        await model.close()


@contextmanager
def _llama_cpp_python(checkpoint: Path, directory: Path, logits_all: str) -> Iterator[str]:
    pytest.importorskip("llama_cpp.server", exc_type=ImportError)
    port = free_port()
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(checkpoint), "--model_alias", "smol"]
    options = ["--n_threads", "2", "--n_ctx", "4096", "--logits_all", logits_all, "--host", "127.0.0.1"]
    command += [*options, "--port", str(port)]
    with servers.running(command, port, directory / "log", "/v1/models") as server:
        yield server.url
