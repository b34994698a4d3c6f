"""Sets of problems with hidden tests."""

from rung.cascade.bench.sets.named import problem_set

__all__ = ["problem_set"]
