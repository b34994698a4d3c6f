"""The code of a project that helps to complete: an index of its files, and what is found in it."""

from rung.cascade.chunk import Chunk
from rung.cascade.retrieval.progress import Progress
from rung.cascade.retrieval.query import Query
from rung.cascade.retrieval.repository import Repository

__all__ = ["Chunk", "Progress", "Query", "Repository"]
