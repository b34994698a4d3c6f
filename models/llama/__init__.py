"""Local checkpoints: llama.cpp in a worker process, and the model that talks to it.

Only the worker imports llama_cpp: a build that does not run here ends the worker, not the server.
"""

from rung.models.llama.client import LlamaModel
from rung.models.llama.order import Sharing
from rung.models.llama.owner import CannotShare
from rung.models.llama.running import Running, running_workers

__all__ = ["CannotShare", "LlamaModel", "Running", "Sharing", "running_workers"]
