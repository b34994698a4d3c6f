"""docs/deployment: the router that docs/deployment.md tells teams to use, as a real nginx before real servers."""

from __future__ import annotations

import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from rung.models.free_port import free_port
from rung.models.http import HttpModel, Timeouts
from rung.models.protocol import Prompt, Sampling

from .deployment_files import FILES, manifest
from .servers import llama_server, program, running


@pytest.fixture(scope="session")
def nginx() -> str:
    return program("nginx", "RUNG_NGINX", path=f"{os.environ['PATH']}:/usr/sbin")


@dataclass
class Router:
    """url: of nginx, without /v1. replicas: the llama-servers behind it, by their addresses."""

    url: str
    replicas: dict[str, subprocess.Popen[bytes]]

    def ask(self, key: str, prompt: str = "x =", **more: object) -> httpx.Response:
        body = {"model": "smol", "prompt": prompt, "max_tokens": 1, "temperature": 0, **more}
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.post(f"{self.url}/v1/completions", json=body, headers=headers, timeout=60, trust_env=False)

    def replica_of(self, key: str) -> str:
        answer = self.ask(key)
        assert answer.status_code == 200, answer.text
        return answer.headers["X-Replica"]


@pytest.fixture
def router(nginx: str, llama_server_program: str, smollm2: Path, tmp_path: Path) -> Iterator[Router]:
    with ExitStack() as stack:
        replicas = {}
        for number in range(2):
            log = tmp_path / f"{number}.log"
            replica = llama_server(llama_server_program, smollm2, log, "-t", "1", "-c", "2048", "-np", "1")
            server = stack.enter_context(replica)
            replicas[server.address.removeprefix("http://")] = server.process
        yield Router(stack.enter_context(_router(nginx, list(replicas), tmp_path)), replicas)


@pytest.mark.real
@pytest.mark.parametrize("name", ["nginx.conf", "router.yaml"])
def test_nginx_takes_the_routers_configuration(nginx: str, tmp_path: Path, name: str) -> None:
    text = (FILES / "nginx.conf").read_text(encoding="utf-8")
    if name == "router.yaml":
        version = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=20, check=True).stderr
        if tuple(map(int, re.findall(r"\d+", version)[:3])) < (1, 27, 3):
            pytest.skip(f"`resolve` in an upstream needs nginx 1.27.3; this is {version.strip()}")
        text = manifest("ConfigMap", "router")["data"]["nginx.conf"]
    (tmp_path / "nginx.conf").write_text(_here(text, free_port(), ["127.0.0.1:1", "127.0.0.1:2"], tmp_path))
    command = [nginx, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", "stderr"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


@pytest.mark.real
def test_one_clients_requests_stay_on_one_replica_and_many_clients_use_both(router: Router) -> None:
    first = {f"key-{n}": router.replica_of(f"key-{n}") for n in range(16)}
    assert set(first.values()) == set(router.replicas)
    for _ in range(2):
        assert {key: router.replica_of(key) for key in first} == first


@pytest.mark.real
def test_a_killed_replicas_clients_are_answered_by_the_other_and_nobody_elses_move(router: Router) -> None:
    before = {f"key-{n}": router.replica_of(f"key-{n}") for n in range(10)}
    killed = before["key-0"]
    (other,) = set(router.replicas) - {killed}
    router.replicas[killed].kill()
    router.replicas[killed].wait(10)
    for key in before:
        answers = [router.ask(key) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        # where both were tried, nginx names both
        assert {answer.headers["X-Replica"].split(", ")[-1] for answer in answers} == {other}
        if before[key] == other:
            assert {answer.headers["X-Replica"] for answer in answers} == {other}


@pytest.mark.real
def test_the_first_token_is_sent_on_while_the_second_is_still_to_come(nginx: str, tmp_path: Path) -> None:
    """A replica that goes on only when its first token has arrived, and that does not ask nginx not to buffer."""
    arrived = threading.Event()

    class Replica(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b"data: first\n\n")
            arrived.wait(20)
            self.wfile.write(b"data: second\n\n")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Replica) as replica:
        threading.Thread(target=replica.serve_forever, daemon=True).start()
        address = f"127.0.0.1:{replica.server_port}"
        with _router(nginx, [address, address], tmp_path) as url:
            begun = time.monotonic()
            with httpx.stream("POST", f"{url}/v1/completions", json={}, timeout=30, trust_env=False) as answer:
                for piece in answer.iter_raw():
                    if b"first" in piece:
                        arrived.set()
            assert time.monotonic() - begun < 15, "the first token came only with the second"
        replica.shutdown()


@pytest.mark.real
async def test_rung_completes_through_the_router(router: Router) -> None:
    limits = Timeouts(connect=5, first_token=60, whole=90)
    model = HttpModel("large", f"{router.url}/v1", "smol", key=lambda: "key-1", timeouts=limits)
    try:
        assert (await model.check()).listed
        prompt = Prompt('def add(a, b):\n    """Return the sum of a and b."""\n    ')
        (line,) = await model.generate(prompt, Sampling(24, stop=("\n",)))
    finally:
        await model.close()
    assert line.text.startswith("return a + b")


@pytest.mark.real
def test_paths_that_vllm_does_not_guard_are_not_reachable(router: Router) -> None:
    for path in ("/metrics", "/invocations", "/health", "/v1/chat/completions"):
        assert httpx.get(router.url + path, timeout=10, trust_env=False).status_code == 404


@contextmanager
def _router(nginx: str, replicas: list[str], folder: Path) -> Iterator[str]:
    """The address of an nginx that names the replica in each answer, in X-Replica."""
    port = free_port()
    text = _here((FILES / "nginx.conf").read_text(encoding="utf-8"), port, replicas, folder)
    text = text.replace("proxy_connect_timeout 2s;", "proxy_connect_timeout 2s;\nadd_header X-Replica $upstream_addr;")
    (folder / "nginx.conf").write_text(text)
    command = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr", "-g", "daemon off;"]
    with running(command, port, folder / "nginx.log", "/healthz") as router:
        yield router.address


def _here(text: str, port: int, replicas: list[str], folder: Path) -> str:
    """The configuration with this machine's addresses and without TLS, whose files are the user's."""
    text, listening = re.subn(r"listen \d+ ssl;", f"listen 127.0.0.1:{port};", text)
    text, secrets = re.subn(r"ssl_certificate(_key)? .*;", "", text)
    assert (listening, secrets) == (1, 2)
    for number, address in enumerate(replicas):
        text = text.replace(f"10.0.0.1{number + 1}:8000", address)
    assert "10.0.0.1" not in text
    if "client_body_temp_path" in text:
        return text.replace("/tmp/", f"{folder}/")
    places = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"pid {folder}/pid;\n" + text.replace("http {", f"http {{ {places}", 1)
