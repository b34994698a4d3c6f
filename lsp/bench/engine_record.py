"""The raw numbers of `rung bench engine` as JSON, with what they were measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from rung.lsp.bench.engine_run import Run, Size
from rung.lsp.bench.engine_tables import all_targets

_CPUINFO = Path("/proc/cpuinfo")


def record(runs: Mapping[str, Run], size: Size, threads: int) -> dict[str, Any]:
    """runs: by the checkpoint's name."""
    return {
        "machine": machine(),
        "threads": threads,
        "size": asdict(size),
        "checkpoints": {
            name: {
                "series": [asdict(series) for series in run.series],
                "targets": [{**asdict(target), "met": target.met} for target in all_targets(run.series)],
                "notes": run.notes,
            }
            for name, run in runs.items()
        },
    }


def machine() -> dict[str, Any]:
    """What the figures hold for."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "llama-cpp-python": metadata.version("llama-cpp-python"),
    }


def _processor() -> str:
    try:
        for line in _CPUINFO.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
