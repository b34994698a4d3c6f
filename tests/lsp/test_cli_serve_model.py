"""`rung serve-model`, run as users run it; with a real model where it is marked so."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from rung.models.http import HttpModel, Timeouts
from rung.models.protocol import FinishReason, Prompt, Sampling, Token

KEYS = {"RUNG_TEST_KEY": "sk-first sk-second"}
HEADERS = {"Authorization": "Bearer sk-second"}
TIMEOUTS = Timeouts(connect=5, first_token=60, whole=90)
PREFIX = 'def add(a, b):\n    """Return the sum of a and b."""\n    '
pytestmark = pytest.mark.timeout(300)  # a server is loaded in it

LOAD_S = 100
RUN = "import sys; [sys.modules.__setitem__(name, None) for name in {absent!r}]; from rung.lsp.cli import main; main()"


def command(*arguments: str, absent: tuple[str, ...] = ()) -> list[str]:
    return [sys.executable, "-P", "-c", RUN.format(absent=absent), "serve-model", *arguments]


def fail(*arguments: str, absent: tuple[str, ...] = (), **variables: str) -> tuple[int, str, str]:
    """Status, output, and the last line of the errors."""
    done = subprocess.run(
        command(*arguments, absent=absent),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env=os.environ | variables,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("absent", [("torch",), ("transformers", "uvicorn"), ("prometheus_client",)])
def test_without_its_libraries_it_says_what_to_install(absent: tuple[str, ...]) -> None:
    said = f"Serving a model needs {', '.join(absent)}; run `pip install 'rung[gpu]'`."
    assert fail("smollm2-135m", absent=absent) == (1, "", said)


@pytest.mark.parametrize("keys", [{}, {"RUNG_TEST_KEY": " \n"}])
def test_a_variable_without_a_key_is_told(keys: dict[str, str]) -> None:
    said = "The environment variable RUNG_TEST_KEY holds no key; set it, or leave out --key-env."
    assert fail("smollm2-135m", "--key-env", "RUNG_TEST_KEY", **keys) == (1, "", said)


def test_a_key_that_nobody_can_send_is_told_and_not_shown() -> None:
    status, output, said = fail("smollm2-135m", "--key-env", "RUNG_TEST_KEY", RUNG_TEST_KEY="schlüssel")
    assert (status, output) == (1, "")
    assert said.startswith("The environment variable RUNG_TEST_KEY cannot be used: ")
    assert "schl" not in said


def test_without_a_key_only_this_machine_is_listened_to() -> None:
    status, output, said = fail("smollm2-135m", "--host", "0.0.0.0")
    assert (status, output) == (1, "")
    assert said == "Whoever reaches 0.0.0.0 could use the model: name a key with --key-env, or listen on 127.0.0.1."


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cpu,cuda"])
def test_a_device_that_is_none_is_refused(device: str) -> None:
    done = subprocess.run(
        command("smollm2-135m", "--device", device), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "is none of auto, cpu, cuda, cuda:N and mps" in re.sub(r"[\s│]+", " ", done.stderr)


@pytest.mark.real
def test_a_checkpoint_that_is_none_ends_the_server_in_a_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.gguf"
    damaged.write_bytes(b"GGUF" + bytes(64))
    for checkpoint in (str(tmp_path / "nothing.gguf"), str(damaged)):
        status, output, said = fail(checkpoint, "--port", "0")
        assert status == 1
        assert output.startswith("Listening at http://127.0.0.1:")
        assert checkpoint in said


COUNTING = "1, 2, 3, 4, 5, 6, 7, 8,"  # greedy, it goes on and on


class Server:
    """`rung serve-model` with SmolLM2, under the name "smol", with keys."""

    def __init__(self, checkpoint: Path, log: Path, *options: str) -> None:
        arguments = [str(checkpoint), "--name", "smol", "--port", "0", "--device", "cpu", "--threads", "2", *options]
        self._log = log.open("wb")
        self.log = log
        self.process = subprocess.Popen(
            command(*arguments, "--key-env", "RUNG_TEST_KEY"),
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | KEYS,
        )
        listening = self.line()
        self.url = listening.split()[2].rstrip(";")
        assert listening == f"Listening at {self.url}; the model is being loaded."

    def line(self) -> str:
        assert self.process.stdout is not None
        found: list[str] = []
        reading = threading.Thread(target=lambda: found.append(self.process.stdout.readline().strip()), daemon=True)
        reading.start()
        reading.join(LOAD_S)
        assert found, self.log.read_text()
        return found[0]

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url.removesuffix("/v1") + path, headers=HEADERS, timeout=30, trust_env=False)

    def complete(self, **fields: object) -> httpx.Response:
        return httpx.post(f"{self.url}/completions", json=fields, headers=HEADERS, timeout=90, trust_env=False)

    def figure(self, name: str) -> float:
        """Of /metrics; 0 where it is not there yet."""
        lines = self.get("/metrics").text.splitlines()
        return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), 0.0)

    def until(self, name: str, wanted: float) -> None:
        end = time.monotonic() + 30
        while self.figure(name) != wanted:
            assert time.monotonic() < end, self.get("/metrics").text
            time.sleep(0.05)

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        self._log.close()


@contextmanager
def started(checkpoint: Path, log: Path, *options: str) -> Iterator[Server]:
    server = Server(checkpoint, log, *options)
    try:
        assert server.line().startswith("smol is ready: 1,024 tokens of context, with")
        yield server
    finally:
        server.close()


@pytest.fixture(scope="module")
def server(smollm2: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with started(smollm2, tmp_path_factory.mktemp("server") / "log", "--context", "1024") as server:
        yield server


def model(server: Server) -> HttpModel:
    return HttpModel("large", server.url, "smol", key=lambda: "sk-first", timeouts=TIMEOUTS)


@pytest.mark.real
async def test_rungs_own_client_completes_a_line_and_gets_tokens_and_counts(server: Server) -> None:
    seen: list[tuple[int, Token]] = []
    asked = model(server)
    assert (await asked.check()).listed is True
    [line] = await asked.generate(Prompt(PREFIX), Sampling(8), lambda *token: seen.append(token))
    [again] = await asked.generate(Prompt(PREFIX), Sampling(8))
    await asked.close()
    assert line.text.startswith("return a + b")
    assert line.text == again.text
    assert [(0, token) for token in line.tokens] == seen
    assert line.text in "".join(token.text for token in line.tokens)
    assert line.finish_reason is FinishReason.LENGTH
    assert line.usage.counted
    assert again.usage.prompt == line.usage.prompt
    assert 0 < again.usage.cached < again.usage.prompt


@pytest.mark.real
async def test_a_draft_is_verified_and_changes_no_text(server: Server) -> None:
    asked = model(server)
    sampling = Sampling(8)
    [plain] = await asked.generate(Prompt(PREFIX), sampling)
    [right] = await asked.generate(Prompt(PREFIX, draft=plain.text), sampling)
    [wrong] = await asked.generate(Prompt(PREFIX, draft="raise ValueError(a)"), sampling)
    await asked.close()
    assert plain.text == right.text == wrong.text
    assert right.usage.accepted_draft > 3
    assert wrong.usage.rejected_draft > 0


@pytest.mark.real
async def test_n_samples_are_one_request_with_one_prompt(server: Server) -> None:
    asked = model(server)
    samples = await asked.generate(Prompt("# A poem about"), Sampling(8, 0.8, n=3, seed=1))
    again = await asked.generate(Prompt("# A poem about"), Sampling(8, 0.8, n=3, seed=1))
    await asked.close()
    assert len({sample.text for sample in samples}) == 3
    assert [sample.text for sample in samples] == [sample.text for sample in again]
    assert [sample.usage.prompt > 0 for sample in samples] == [True, False, False]
    for sample in samples:
        assert sample.finish_reason is (FinishReason.LENGTH if sample.usage.generated == 8 else FinishReason.STOP)


@pytest.mark.real
def test_a_plain_answer_a_stream_and_its_log_probabilities_agree(server: Server) -> None:
    prompt = PREFIX + "# 漢字 🙂"
    asked = {"prompt": prompt, "max_tokens": 10, "temperature": 0, "logprobs": 2}
    choice = server.complete(**asked).json()["choices"][0]
    lines = server.complete(**asked, stream=True).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: "))["choices"][0] for line in lines[:-2]]
    assert lines[-2:] == ["data: [DONE]", ""]
    assert "".join(chunk["text"] for chunk in chunks) == choice["text"]
    tokens = [chunk["logprobs"] for chunk in chunks if chunk["logprobs"]]
    whole = choice["logprobs"]
    for field in ("tokens", "text_offset"):
        assert [entry for logprobs in tokens for entry in logprobs[field]] == whole[field]
    streamed = [entry for logprobs in tokens for entry in logprobs["token_logprobs"]]
    # the second time the prompt is cached: sums are taken in another order
    assert streamed == pytest.approx(whole["token_logprobs"], abs=0.01)
    assert whole["text_offset"][0] == len(prompt)
    assert [max(top.values()) for top in whole["top_logprobs"]] == whole["token_logprobs"], "greedy: the likeliest"


@pytest.mark.real
def test_what_the_model_cannot_do_is_refused(server: Server) -> None:
    long = server.complete(prompt="a b " * 2000)
    assert (long.status_code, long.json()["error"]["code"]) == (400, "context_length_exceeded")
    assert (server.complete(prompt="x", model="gpt").status_code, server.get("/health").status_code) == (404, 200)
    anybody = httpx.post(f"{server.url}/completions", json={"prompt": "x"}, timeout=30, trust_env=False)
    assert anybody.json()["error"]["code"] == "invalid_api_key"
    assert "sk-" not in server.log.read_text()
    assert "a b a b" not in server.log.read_text()


@pytest.mark.real
async def test_a_client_that_goes_away_frees_the_engine(server: Server) -> None:
    asked = model(server)
    begun = asyncio.Event()
    gone = server.figure('rung_requests_total{status="499"}')
    long = asyncio.create_task(asked.generate(Prompt(COUNTING), Sampling(900), lambda _index, _token: begun.set()))
    await asyncio.wait_for(begun.wait(), 60)
    assert server.figure("rung_running") == 1
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    await asked.close()
    server.until("rung_running", 0)
    server.until('rung_requests_total{status="499"}', gone + 1)


@pytest.mark.real
def test_a_plain_request_that_is_given_up_frees_the_engine_too(server: Server) -> None:
    gone = server.figure('rung_requests_total{status="499"}')
    asked = {"prompt": COUNTING, "max_tokens": 900, "temperature": 0}
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{server.url}/completions", json=asked, headers=HEADERS, timeout=0.5, trust_env=False)
    server.until('rung_requests_total{status="499"}', gone + 1)
    server.until("rung_running", 0)


@pytest.mark.real
def test_sigterm_lets_a_request_end_and_answers_no_other(smollm2: Path, tmp_path: Path) -> None:
    with started(smollm2, tmp_path / "log", "--context", "1024", "--grace", "100") as server:
        answers: list[httpx.Response] = []
        asked = {"prompt": COUNTING, "max_tokens": 150, "temperature": 0}
        asking = threading.Thread(target=lambda: answers.append(server.complete(**asked)), daemon=True)
        asking.start()
        server.until("rung_running", 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.line() == "Shutting down: what runs has 100 s to end."
        refused = server.complete(prompt="x")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "unavailable")
        assert server.process.wait(100) == 0
        asking.join(10)
        assert answers[0].json()["usage"]["completion_tokens"] > 0
        assert answers[0].json()["choices"][0]["finish_reason"] in ("stop", "length")
