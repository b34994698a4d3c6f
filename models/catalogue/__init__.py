"""The catalogue of checkpoints: what can be pulled, what is here, and the user's own files."""

from rung.models.catalogue.entries import CATALOGUE
from rung.models.catalogue.entry import Entry, Fim
from rung.models.catalogue.errors import (
    CatalogueError,
    CheckpointMissing,
    DiskFull,
    InvalidCheckpoint,
    PullFailed,
    StoreError,
)
from rung.models.catalogue.finding import find, installed
from rung.models.catalogue.making import Material, check_free, make, material
from rung.models.catalogue.owning import add, remove
from rung.models.catalogue.progress import Progress
from rung.models.catalogue.pulling import pull
from rung.models.catalogue.store import Checkpoint, Origin

__all__ = [
    "CATALOGUE",
    "CatalogueError",
    "Checkpoint",
    "CheckpointMissing",
    "DiskFull",
    "Entry",
    "Fim",
    "InvalidCheckpoint",
    "Material",
    "Origin",
    "Progress",
    "PullFailed",
    "StoreError",
    "add",
    "check_free",
    "find",
    "installed",
    "make",
    "material",
    "pull",
    "remove",
]
