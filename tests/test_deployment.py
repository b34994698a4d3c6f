"""docs/deployment: the manifests, the rules and the router that docs/deployment.md tells teams to use."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from rung.cascade.config import RungConfig
from rung.models.free_port import free_port
from rung.models.http import HttpModel, Timeouts
from rung.models.protocol import Prompt, Sampling

DOCS = Path(__file__).resolve().parents[1] / "docs"
FILES = DOCS / "deployment"
MANIFESTS = sorted((FILES / "kubernetes").glob("*.yaml"))
# What of vLLM 0.33's /metrics the rules and the autoscaler use; counters end in _total, histograms in _bucket, _count.
VLLM_METRICS = {
    "vllm:num_requests_waiting",
    "vllm:num_requests_running",
    "vllm:time_to_first_token_seconds_bucket",
    "vllm:time_to_first_token_seconds_count",
    "vllm:admission_rejections_total",
    "vllm:kv_cache_usage_perc",
    "vllm:num_preemptions_total",
    "vllm:prefix_cache_hits_total",
    "vllm:prefix_cache_queries_total",
    "vllm:request_success_total",
}


def read(path: Path) -> list[dict[str, Any]]:
    return [document for document in YAML(typ="safe").load_all(path) if document]


def manifest(kind: str, name: str) -> dict[str, Any]:
    (found,) = (
        document
        for path in MANIFESTS
        for document in read(path)
        if document["kind"] == kind and document["metadata"]["name"] == name
    )
    return found


def container(kind: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod of a workload, and its one container."""
    pod = manifest(kind, name)["spec"]["template"]["spec"]
    (only,) = pod["containers"]
    return pod, only


def flag(name: str) -> str:
    """Of vLLM's command line."""
    arguments = container("StatefulSet", "vllm")[1]["args"]
    (found,) = (argument for argument in arguments if argument.partition("=")[0] == f"--{name}")
    return str(found.partition("=")[2])


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)
def test_every_manifest_says_what_it_is_and_is_in_the_one_namespace(path: Path) -> None:
    for document in read(path):
        assert document["apiVersion"]
        assert document["metadata"]["namespace"] == "rung"
    selectors = [document["spec"]["selector"] for document in read(path) if document["kind"] == "PodDisruptionBudget"]
    for selector in selectors:
        name = selector["matchLabels"]["app"]
        kind = "StatefulSet" if name == "vllm" else "Deployment"
        assert manifest(kind, name)["spec"]["template"]["metadata"]["labels"] == {"app": name}


def test_each_replica_has_a_gpu_of_its_own_and_bounded_memory() -> None:
    resources = container("StatefulSet", "vllm")[1]["resources"]
    assert resources["requests"]["nvidia.com/gpu"] == resources["limits"]["nvidia.com/gpu"] == "1"
    assert resources["limits"]["memory"]
    assert manifest("PodDisruptionBudget", "vllm")["spec"]["maxUnavailable"] == 1


def test_a_model_that_loads_is_not_killed_and_a_replica_that_does_not_answer_gets_no_requests() -> None:
    vllm = container("StatefulSet", "vllm")[1]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert vllm[probe]["httpGet"] == {"path": "/health", "port": "http"}
    assert vllm["startupProbe"]["periodSeconds"] * vllm["startupProbe"]["failureThreshold"] >= 1200
    assert {"name": "http", "containerPort": int(flag("port"))} in vllm["ports"]


def test_a_replica_that_is_stopped_ends_its_requests_first() -> None:
    pod, vllm = container("StatefulSet", "vllm")
    _, seconds = vllm["lifecycle"]["preStop"]["exec"]["command"]
    assert int(seconds) + int(flag("shutdown-timeout")) < pod["terminationGracePeriodSeconds"]


def test_keys_come_from_secrets_and_stand_in_no_file() -> None:
    variables = {entry["name"]: entry for entry in container("StatefulSet", "vllm")[1]["env"]}
    for name in ("VLLM_API_KEY", "HF_TOKEN"):
        assert "value" not in variables[name]
        assert variables[name]["valueFrom"]["secretKeyRef"]["key"]
    assert all(document["kind"] != "Secret" for path in MANIFESTS for document in read(path))


def test_the_queue_is_longer_than_the_batch_and_the_context_holds_rungs_prompts() -> None:
    """--max-num-queued-reqs counts running requests too."""
    assert int(flag("max-num-queued-reqs")) > int(flag("max-num-seqs"))
    assert int(flag("max-model-len")) >= RungConfig.model_fields["context"].default


def test_the_router_names_every_replica_that_the_autoscaler_may_start() -> None:
    service, replicas = manifest("Service", "vllm"), manifest("StatefulSet", "vllm")
    scaled = manifest("ScaledObject", "vllm")["spec"]
    assert service["spec"]["clusterIP"] == "None"
    assert replicas["spec"]["serviceName"] == service["metadata"]["name"] == scaled["scaleTargetRef"]["name"]
    assert scaled["scaleTargetRef"]["kind"] == "StatefulSet"
    (port,) = (port["port"] for port in service["spec"]["ports"])
    names = re.findall(r"server (\S+) resolve", manifest("ConfigMap", "router")["data"]["nginx.conf"])
    assert names == [f"vllm-{n}.vllm.rung.svc.cluster.local:{port}" for n in range(scaled["maxReplicaCount"])]
    assert scaled["minReplicaCount"] >= 2


def test_both_routers_treat_a_request_alike() -> None:
    def directives(text: str, block: str) -> set[str]:
        (body,) = re.findall(rf"{re.escape(block)} \{{(.*?)\}}", text, re.DOTALL)
        return {line.strip() for line in body.splitlines() if line.strip() and "#" not in line}

    plain = (FILES / "nginx.conf").read_text(encoding="utf-8")
    mapped = manifest("ConfigMap", "router")["data"]["nginx.conf"]
    for location in ("location = /v1/completions", "location = /v1/models", "location /"):
        assert directives(plain, location) == directives(mapped, location)
    (hashed,) = re.findall(r"hash .*;", plain)
    assert hashed in mapped


def test_rules_and_autoscaler_use_metrics_that_vllm_has() -> None:
    queries = [trigger["metadata"]["query"] for trigger in manifest("ScaledObject", "vllm")["spec"]["triggers"]]
    (group,) = read(FILES / "rules.yaml")[0]["groups"]
    queries += [rule["expr"] for rule in group["rules"]]
    used = {name for query in queries for name in re.findall(r"vllm:\w+", query)}
    assert used == VLLM_METRICS


def test_the_page_names_only_files_that_are_there() -> None:
    page = (DOCS / "deployment.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", page) if "://" not in link]
    assert len(links) > 5
    assert [link for link in links if not (DOCS / link).exists()] == []


@pytest.fixture(scope="session")
def promtool() -> str:
    found = os.environ.get("RUNG_PROMTOOL") or shutil.which("promtool")
    if not found:
        pytest.skip("no promtool: put Prometheus' on PATH, or its path into RUNG_PROMTOOL")
    return found


@pytest.mark.real
def test_prometheus_takes_the_rules_and_the_configuration(promtool: str) -> None:
    for kind, name in (("rules", "rules.yaml"), ("config", "prometheus.yaml")):
        subprocess.run([promtool, "check", kind, str(FILES / name)], check=True, timeout=60, capture_output=True)


@pytest.mark.real
@pytest.mark.parametrize(
    ("series", "alert"),
    [
        ({'up{job="vllm", instance="a"}': "0x40", 'up{job="vllm", instance="b"}': "1x40"}, "RungLargeDown"),
        ({'up{job="vllm", instance="a"}': "0x40"}, "RungLargeGone"),
        ({'vllm:num_requests_waiting{instance="a"}': "3x40"}, "RungLargeQueues"),
        (
            {
                'vllm:time_to_first_token_seconds_bucket{le="1"}': "0+10x40",
                'vllm:time_to_first_token_seconds_bucket{le="2.5"}': "0+60x40",
                'vllm:time_to_first_token_seconds_bucket{le="+Inf"}': "0+60x40",
                "vllm:time_to_first_token_seconds_count": "0+60x40",
            },
            "RungLargeFirstTokenSlow",
        ),
        ({'vllm:admission_rejections_total{reason="max_num_queued_reqs"}': "0+5x40"}, "RungLargeRefuses"),
        ({'vllm:kv_cache_usage_perc{instance="a"}': "0.97x40"}, "RungLargeCacheFull"),
        ({'vllm:num_preemptions_total{instance="a"}': "0+60x40"}, "RungLargePreempts"),
        (
            {"vllm:prefix_cache_queries_total": "0+60000x120", "vllm:prefix_cache_hits_total": "0+6000x120"},
            "RungLargePrefixesMissed",
        ),
        (
            {
                'vllm:request_success_total{finished_reason="error"}': "0+3x40",
                'vllm:request_success_total{finished_reason="stop"}': "0+97x40",
            },
            "RungLargeErrors",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_alert_fires_when_it_should_and_not_on_a_healthy_server(
    promtool: str, tmp_path: Path, series: dict[str, str], alert: str
) -> None:
    (group,) = read(FILES / "rules.yaml")[0]["groups"]
    (rule,) = (rule for rule in group["rules"] if rule["alert"] == alert)
    healthy = {
        'up{job="vllm", instance="a"}': "1x120",
        'vllm:num_requests_waiting{instance="a"}': "0x120",
        'vllm:time_to_first_token_seconds_bucket{le="1"}': "0+60x120",
        'vllm:time_to_first_token_seconds_bucket{le="+Inf"}': "0+60x120",
        "vllm:time_to_first_token_seconds_count": "0+60x120",
        'vllm:admission_rejections_total{reason="max_num_queued_reqs"}': "0x120",
        'vllm:kv_cache_usage_perc{instance="a"}': "0.5x120",
        'vllm:num_preemptions_total{instance="a"}': "0x120",
        "vllm:prefix_cache_queries_total": "0+60000x120",
        "vllm:prefix_cache_hits_total": "0+40000x120",
        'vllm:request_success_total{finished_reason="stop"}': "0+100x120",
    }
    (tmp_path / "rules.yaml").write_text((FILES / "rules.yaml").read_text(encoding="utf-8"))
    assert _fired(promtool, tmp_path, series, rule) == 1
    assert _fired(promtool, tmp_path, healthy, rule) == 0


def _fired(promtool: str, folder: Path, series: dict[str, str], rule: dict[str, Any]) -> int:
    """How many series the rule's expression has near the end: its `for` is over then."""
    minutes = 119 if any("120" in values for values in series.values()) else 39
    test = {
        "rule_files": ["rules.yaml"],
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{rule["alert"]}", alertstate="firing"}}) or vector(0)',
                        "eval_time": f"{minutes}m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        ],
    }
    with (folder / "test.yaml").open("w") as file:
        YAML(typ="safe").dump(test, file)
    done = subprocess.run([promtool, "test", "rules", str(folder / "test.yaml")], capture_output=True, timeout=60)
    if done.returncode:
        assert b"got:" in done.stdout + done.stderr, (done.stdout + done.stderr).decode()
    return 1 if done.returncode == 0 else 0


@pytest.fixture(scope="session")
def nginx() -> str:
    found = os.environ.get("RUNG_NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not found:
        pytest.skip("no nginx: put it on PATH, or its path into RUNG_NGINX")
    return found


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
def router(nginx: str, smollm2: Path, tmp_path: Path) -> Iterator[Router]:
    server = os.environ.get("RUNG_LLAMA_SERVER") or shutil.which("llama-server")
    if not server:
        pytest.skip("no llama-server: put it on PATH, or its path into RUNG_LLAMA_SERVER (scripts/get-llama-server.sh)")
    with ExitStack() as stack:
        replicas = {}
        for _ in range(2):
            port = free_port()
            command = [server, "-m", str(smollm2), "--host", "127.0.0.1", "--port", str(port), "-t", "1", "-c", "2048"]
            command += ["-np", "1", "--alias", "smol"]
            replicas[f"127.0.0.1:{port}"] = stack.enter_context(_running(command, tmp_path / f"{port}.log"))
        for address, replica in replicas.items():
            _wait_for(f"http://{address}/health", replica, tmp_path)
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
    with _running(command, folder / "nginx.log") as router:
        _wait_for(f"http://127.0.0.1:{port}/healthz", router, folder)
        yield f"http://127.0.0.1:{port}"


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


@contextmanager
def _running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            if httpx.get(url, timeout=2, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        said = "".join(log.read_text(errors="replace")[-1000:] for log in folder.glob("*.log"))
        assert process.poll() is None, said
        assert time.monotonic() < end, said
        time.sleep(0.1)
