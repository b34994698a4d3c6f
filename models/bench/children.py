"""Raw llama.cpp and the high-level wrapper as contestants, each in a process of its own."""

from __future__ import annotations

from rung.models.bench.child import ChildContestant
from rung.models.bench.setup import Setup

RAW = "raw llama.cpp"
WRAPPER = "llama-cpp-python"


def raw_llama(setup: Setup) -> ChildContestant:
    return ChildContestant(RAW, "rung.models.bench.raw_llama", setup, batches=True, samples=False)


def wrapper_llama(setup: Setup) -> ChildContestant:
    return ChildContestant(WRAPPER, "rung.models.bench.wrapper_llama", setup, batches=False, samples=True)
