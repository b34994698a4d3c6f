"""docs/deployment: the manifests and the rules that docs/deployment.md tells teams to use."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rung.cascade.config import RungConfig

from .deployment_files import DOCS, FILES, MANIFESTS, manifest, read
from .servers import program

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
    return program("promtool", "RUNG_PROMTOOL", " (it comes with Prometheus)")


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
