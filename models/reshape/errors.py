"""What can go wrong when a checkpoint is made of another; `str(error)` is one sentence that a user can act on."""

from __future__ import annotations

from rung.models.catalogue import CatalogueError


class ReshapeFailed(CatalogueError):
    """This checkpoint cannot be trimmed or quantized so, or llama.cpp broke off."""
