"""Local checkpoints: llama.cpp in a worker process, and the model that talks to it.

Only the worker imports llama_cpp: a build that does not run here ends the worker, not the server.
"""

from rung.models.llama.client import LlamaModel

__all__ = ["LlamaModel"]
