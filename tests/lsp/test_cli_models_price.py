"""`rung models price`: from a server's throughput to a rung's price."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from rung.cascade.config import load
from rung.lsp.cli.main import app

from ..servers import llama_server

PAID = ("--usd-per-hour", "3.6", "--gpus", "2")
QUICK = ("--seconds", "0.3", "--concurrency", "1,2")


@dataclass
class Completions:
    """A server with `slots`: reading a prompt takes `reading` s in one, and generating 8 tokens `writing` s more."""

    names: tuple[str, ...] = ("coder",)
    reading: float = 0.002
    writing: float = 0.004
    counts: bool = True
    cached: int = 0
    refuses: str = ""
    fails_after: int = 10**9
    bodies: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    slots: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(4))
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        self.bodies.append(body)
        self.keys.append(handler.headers["Authorization"])
        if self.refuses in body:
            _send(handler, 400, {"error": {"message": f"{self.refuses} is not supported", "param": self.refuses}})
            return
        if len(self.bodies) > self.fails_after:
            _send(handler, 500, {"error": {"message": "out of memory"}})
            return
        generated = min(8, body["max_tokens"])
        usage = {"prompt_tokens": 100, "completion_tokens": generated}
        with self.slots:
            time.sleep(self.reading)
            handler.send_response(200)
            handler.send_header("Content-Type", "text/event-stream")
            handler.end_headers()
            _event(handler, {"choices": [{"index": 0, "text": "x", "finish_reason": None}]})
            time.sleep(self.writing if generated > 1 else 0)
        _event(handler, {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})
        if self.counts:
            details = {"prompt_tokens_details": {"cached_tokens": self.cached}}
            _event(handler, {"choices": [], "usage": usage | details})
        handler.wfile.write(b"data: [DONE]\n\n")


@pytest.fixture
def server() -> Iterator[Completions]:
    completions = Completions()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _send(self, 200, {"data": [{"id": name} for name in completions.names]})

        def do_POST(self) -> None:
            with suppress(ConnectionError):  # the window has closed
                completions.answer(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 200

    with Quiet(("127.0.0.1", 0), Handler) as http:
        completions.url = f"http://127.0.0.1:{http.server_port}/v1"
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield completions
        http.shutdown()


def _send(handler: BaseHTTPRequestHandler, status: int, content: object) -> None:
    body = json.dumps(content).encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def _event(handler: BaseHTTPRequestHandler, content: object) -> None:
    handler.wfile.write(f"data: {json.dumps(content)}\n\n".encode())


def price(*arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(app, ["models", "price", *arguments], **options)


def rows(result: Result) -> dict[int, list[str]]:
    """By requests at once, the columns as they are printed."""
    found = (re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines())
    return {int(cells[0]): cells[1:] for cells in found if cells[0].isdecimal()}


def prices(result: Result) -> list[dict[str, float]]:
    """The two lines for a configuration, read as YAML."""
    lines = [line for line in result.stdout.splitlines() if line.strip().startswith("price:")]
    return [dict(YAML(typ="safe").load(line)["price"]) for line in lines]


def test_the_two_prices_follow_from_what_was_measured_and_fit_the_configuration(
    server: Completions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.writing = 0.05
    done = price(server.url, *PAID, *QUICK)
    assert done.exit_code == 0, done.output
    generated, both = prices(done)
    rate = max(float(cells[3].replace(",", "")) for cells in rows(done).values())
    assert generated["hours_per_million"] == pytest.approx(1e6 / rate / 3600, rel=0.01)
    assert (generated["gpus"], generated["usd_per_gpu_hour"]) == (2, 3.6)
    # 100 prompt tokens for each 8 generated: the load costs the same by either price
    paid = generated["hours_per_million"] * 2 * 3.6
    assert both["input"] * 100 / 8 + both["output"] == pytest.approx(paid, rel=0.01)
    for keys in (generated, both):
        config = tmp_path / "config.yaml"
        config.write_text(
            f"ladder:\n  - {{name: own, url: '{server.url}', model: coder, k: 0, price: {json.dumps(keys)}}}\n"
        )
        monkeypatch.setenv("RUNG_CONFIG", str(config))
        assert load(tmp_path).config.ladder[0].price is not None


def test_each_number_at_once_has_a_line_with_throughput_latencies_and_price(server: Completions) -> None:
    found = rows(price(server.url, *PAID, *QUICK))
    assert list(found) == [1, 2]
    for cells in found.values():
        requests, failed, prompt, generated, first, line, function, usd = cells
        assert int(requests) >= 4
        assert failed == "0"
        assert float(prompt.replace(",", "")) == pytest.approx(float(generated.replace(",", "")) * 100 / 8, rel=0.01)
        for times in (first, line, function):
            assert re.fullmatch(r"\d+, \d+", times)
        assert float(usd) > 0


def test_the_requests_look_like_rungs_and_no_two_are_the_same(server: Completions) -> None:
    assert price(server.url, *PAID, *QUICK).exit_code == 0
    lines = [body for body in server.bodies if body["max_tokens"] == 64]
    functions = [body for body in server.bodies if body["max_tokens"] == 256]
    assert 3 * len(functions) < len(lines) < 6 * len(functions)
    assert all(body["stop"] == ["\n"] and body["logprobs"] == 1 for body in lines)
    assert all("\ndef " in body["stop"] and len(body["stop"]) <= 4 for body in functions)
    assert all(body["model"] == "coder" and body["stream_options"] == {"include_usage": True} for body in server.bodies)
    assert len({body["prompt"] for body in server.bodies}) == len(server.bodies)


def test_prompts_of_a_second_run_are_new_to_the_server(server: Completions) -> None:
    for _ in range(2):
        price(server.url, *PAID, "--seconds", "0.1", "--concurrency", "1")
    assert len({body["prompt"] for body in server.bodies}) == len(server.bodies)


def test_without_numbers_it_stops_when_more_at_once_brings_nothing(server: Completions) -> None:
    server.slots = threading.Semaphore(1)
    server.writing = 0.03
    found = rows(price(server.url, *PAID, "--seconds", "0.4"))
    assert next(iter(found)) == 1
    assert len(found) <= 4


def test_a_bound_on_the_time_of_lines_chooses_what_keeps_it(server: Completions) -> None:
    server.slots = threading.Semaphore(1)
    server.writing = 0.02
    bounded = price(server.url, *PAID, "--seconds", "0.4", "--concurrency", "1,16", "--p95-ms", "150")
    assert "1 at once is the best with lines within 150 ms." in bounded.stdout
    missed = price(server.url, *PAID, *QUICK, "--p95-ms", "1")
    assert missed.exit_code == 1
    assert "No price: 95% of the lines came within" in missed.stdout


def test_tokens_that_the_server_does_not_count_are_not_guessed(server: Completions) -> None:
    server.counts = False
    done = price(server.url, *PAID, *QUICK)
    assert done.exit_code == 1
    assert "does not count the tokens that it streams" in done.stderr
    assert prices(done) == []


def test_a_server_that_refuses_log_probabilities_is_measured_without(server: Completions) -> None:
    server.refuses = "logprobs"
    done = price(server.url, *PAID, *QUICK)
    assert done.exit_code == 0
    assert sum("logprobs" in body for body in server.bodies) == 1


def test_failures_are_told_and_give_no_price(server: Completions) -> None:
    server.fails_after = 20
    done = price(server.url, *PAID, "--seconds", "5", "--concurrency", "1")
    assert done.exit_code == 1
    assert re.search(r"\d+ failed: The server at \S+ failed \(500\), see its log: out of memory", done.stdout)
    assert "No price: too many requests failed" in done.stdout


def test_prompts_that_the_server_had_in_its_cache_are_told(server: Completions) -> None:
    server.cached = 60
    assert "had 60% of the prompts' tokens in its cache" in price(server.url, *PAID, *QUICK).stdout


def test_the_key_is_taken_by_its_name_and_sent(server: Completions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OWN_KEY", "sesame")
    assert price(server.url, *PAID, *QUICK, "--key-env", "OWN_KEY").exit_code == 0
    assert set(server.keys) == {"Bearer sesame"}


def test_a_server_elsewhere_is_sent_nothing_before_the_user_agrees() -> None:
    done = price("https://api.example.com/v1", *PAID, "--model", "m", input="n\n")
    assert done.exit_code == 1
    assert re.search(r"At most [\d,]+ requests go to https://api.example.com/v1: about [\d.]+ million", done.stderr)
    assert "It is another machine, which may charge for them." in done.stderr


def test_no_more_requests_are_sent_than_were_announced(server: Completions) -> None:
    server.reading = server.writing = 0.0
    done = price(server.url, *PAID, "--seconds", "60", "--concurrency", "1")
    (announced,) = re.findall(r"At most ([\d,]+) requests", done.stderr)
    assert len(server.bodies) == int(announced.replace(",", ""))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ftp://x",), "Its URL must begin with http:// or https:// and name a host."),
        (("http://127.0.0.1:1/v1", "--model", "m"), "cannot be reached; start it or check the URL."),
        (("http://127.0.0.1:1/v1", "--key-env", "NO_SUCH_KEY"), "NO_SUCH_KEY is not set in the environment"),
        (("http://127.0.0.1:1/v1", "--concurrency", "1,x"), "--concurrency takes whole numbers from 1 to 1024"),
    ],
)
def test_what_cannot_be_measured_ends_in_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = price(*arguments, *PAID)
    assert done.exit_code == 1
    assert said in done.stderr
    assert "Traceback" not in done.output


def test_of_several_models_the_user_has_to_name_one(server: Completions) -> None:
    server.names = ("a", "b")
    done = price(server.url, *PAID, *QUICK)
    assert done.exit_code == 1
    assert "lists 2 models (a, b); say which with --model NAME." in done.stderr
    assert price(server.url, *PAID, *QUICK, "--model", "b").exit_code == 0


def test_ctrl_c_ends_with_what_was_measured_so_far(server: Completions) -> None:
    command = [
        sys.executable,
        "-P",
        "-c",
        "from rung.lsp.cli import main; main()",
        "models",
        "price",
        server.url,
        *PAID,
    ]
    arguments = ["--seconds", "0.2", "--concurrency", "1,40", "--model", "coder"]
    with subprocess.Popen([*command, *arguments], stdout=-1, stderr=-1, text=True) as child:
        end = time.monotonic() + 60
        while not any(re.match(r"# 41 \S+ 40 at once", body["prompt"]) for body in list(server.bodies)):
            server.reading = 0.2 if len(server.bodies) > 10 else server.reading
            assert time.monotonic() < end
            time.sleep(0.01)
        child.send_signal(signal.SIGINT)
        out, said = child.communicate(timeout=20)
    assert child.returncode == 130
    assert "Stopped; this was measured so far:" in said
    assert "Traceback" not in said
    assert "price: {hours_per_million:" in out
    assert "no price of prompts" in out


@pytest.mark.real
@pytest.mark.timeout(400)
def test_a_real_llama_server_gets_a_price(llama_server_program: str, smollm2: Path, tmp_path: Path) -> None:
    options = ("-t", "2", "-c", "8192", "-np", "2")
    with llama_server(llama_server_program, smollm2, tmp_path / "log", *options) as server:
        for _ in range(3):  # other work on the machine may fall upon one of its two loads alone
            done = price(server.url, *PAID, "--seconds", "6", "--concurrency", "2")
            if len(prices(done)) == 2 and prices(done)[1]["input"] < prices(done)[1]["output"]:
                break
    assert done.exit_code == 0, done.output
    assert len(prices(done)) == 2, done.output
    generated, both = prices(done)
    assert generated["hours_per_million"] > 0
    assert both["input"] < both["output"], "reading a token takes less than writing one"
