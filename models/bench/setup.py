"""What all contestants are given alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rung.models.llama.spawn import worker_environment

THREADS = min(os.cpu_count() or 1, 8)  # where nobody says how many


@dataclass(frozen=True, slots=True)
class Setup:
    """context: tokens of prompt and generation of one sequence. threads: of prompt evaluation and of decoding."""

    checkpoint: Path
    context: int
    threads: int

    def environment(self) -> dict[str, str]:
        """That of rung's worker: how threads wait decides the decode rate."""
        return worker_environment(self.threads)
