"""What rung remembers of its requests: one SQLite file, shared by all its processes."""

from rung.cascade.telemetry.database import Database
from rung.cascade.telemetry.errors import DatabaseUnusable
from rung.cascade.telemetry.outcome import Outcome
from rung.cascade.telemetry.telemetry import Telemetry

__all__ = ["Database", "DatabaseUnusable", "Outcome", "Telemetry"]
