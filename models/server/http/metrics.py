"""What the server has done and does, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rung.models.server.asked import Counted, Load

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_TOKEN_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """load: of the engine; None while there is none."""

    def __init__(self, load: Callable[[], Load | None]) -> None:
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "rung_requests", "Requests for completions; 499: the client went away.", ["status"], registry=registry
        )
        self._first = Histogram(
            "rung_first_token_seconds", "From the request to its first text.", buckets=_SECONDS, registry=registry
        )
        self._request = Histogram(
            "rung_request_seconds", "From the request to its last token.", buckets=_SECONDS, registry=registry
        )
        self._token = Histogram(
            "rung_token_seconds",
            "After the first text, per token of a sample.",
            buckets=_TOKEN_SECONDS,
            registry=registry,
        )
        registry.register(_Engine(load))

    def text(self) -> bytes:
        return generate_latest(self._registry)

    def ended(self, status: int) -> None:
        """A request for completions."""
        self._requests.labels(str(status)).inc()

    def begun(self, first_s: float) -> None:
        """An answer. first_s: seconds from the request to its first text."""
        self._first.observe(first_s)

    def answered(self, counted: Counted, samples: int, first_s: float | None, whole_s: float) -> None:
        """first_s, whole_s: seconds from the request to its first text (None: it has none), and to its last token."""
        self._request.observe(whole_s)
        further = counted.generated / samples - 1
        if first_s is not None and further > 0:
            self._token.observe((whole_s - first_s) / further)


@dataclass(frozen=True)
class _Engine(Collector):
    """Reads the engine's own figures when it is asked for them."""

    load: Callable[[], Load | None]

    def collect(self) -> Iterator[Metric]:
        load = self.load()
        if load is None:
            return
        for name, about in _GAUGES.items():
            yield GaugeMetricFamily(f"rung_{name}", about, value=getattr(load, name))
        for field, (name, about) in _COUNTERS.items():
            yield CounterMetricFamily(f"rung_{name}", about, value=getattr(load, field))
        for name, about in _TOKENS.items():
            yield CounterMetricFamily(f"rung_{name}_tokens", f"{about}.", value=getattr(load.tokens, name))


_GAUGES = {
    "running": "Samples that are being decoded.",
    "waiting": "Requests that wait for their turn.",
    "kept_tokens": "Tokens in the prefix cache.",
}
_COUNTERS = {
    "layers": ("computed_layers", "Layers of one generated token that were computed."),
    "skipped": ("skipped_layers", "Layers of one generated token that Exit skipped."),
    "stopped": ("stopped_samples", "Samples that Stop ended."),
    "steps": ("forward_passes", "Forward passes."),
}
_TOKENS = {
    "prompt": "Tokens of prompts",
    "cached": "Tokens of prompts that were not computed again",
    "generated": "Generated tokens",
    "accepted": "Tokens of drafts that were right",
    "rejected": "Tokens of drafts that were wrong, of the requests that were answered to their end",
}
