"""The engine: tasks, scores, the ladder, the self-test, budgets and telemetry."""
