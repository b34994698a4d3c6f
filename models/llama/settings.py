"""What can be chosen about an engine."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """context: tokens of prompt and generation of one sample together. cache_mb: megabytes for keys and values, of
    all documents together; at least one context always fits. threads: at most; None as many as there are cores.
    gpu_layers: None offloads all where this build of llama.cpp has a GPU, 0 none. exact: the greedy text of a prompt is
    the same whatever was asked before, where nothing else is asked at the same time; then prompts take twice the time,
    and the cache half the memory. drafts: exact text may be drafted from matches in the prompt, which changes nothing.
    """

    context: int = 2048
    cache_mb: int = 144
    threads: int | None = None
    gpu_layers: int | None = None
    exact: bool = False
    drafts: bool = True
