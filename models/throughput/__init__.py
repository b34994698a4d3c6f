"""What a completions server does under load, and what its tokens cost on its hardware."""

from rung.models.throughput.costs import Split, chosen, hours_per_million, split
from rung.models.throughput.level import Level
from rung.models.throughput.load import Kind
from rung.models.throughput.run import Measured, Plan, run
from rung.models.throughput.server import Server
from rung.models.throughput.timed import Timed

__all__ = [
    "Kind",
    "Level",
    "Measured",
    "Plan",
    "Server",
    "Split",
    "Timed",
    "chosen",
    "hours_per_million",
    "run",
    "split",
]
