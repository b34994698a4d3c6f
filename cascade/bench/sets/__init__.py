"""Sets of problems with hidden tests."""

from rung.cascade.bench.sets.named import name_of, problem_set

__all__ = ["name_of", "problem_set"]
