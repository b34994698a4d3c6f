"""A rung behind any OpenAI-compatible `/v1/completions`."""

from rung.models.http.check import Check
from rung.models.http.model import HttpModel
from rung.models.http.stream import Timeouts

__all__ = ["Check", "HttpModel", "Timeouts"]
