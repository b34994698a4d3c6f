"""What a climb answered at a place, for who comes back to it or types it through."""

from __future__ import annotations

from dataclasses import dataclass

from rung.cascade.attempt import Climb
from rung.lsp.server.projects import Project


@dataclass(slots=True)
class Remembered:
    """project: as it was configured then. shown: False while it was only completed ahead."""

    climb: Climb
    project: Project
    shown: bool
