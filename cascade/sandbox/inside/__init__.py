"""What runs within the sandbox, on the standard library alone.

harness (trusted, pid 1) ── forks, per cell ──> evaluator: runs the test, asks the solution for data
└── nursery (never sees a test) ── forks, per cell ──> solution: runs the program, answers with data

A verdict is the evaluator's. A solution process holds one socket to its evaluator and nothing else, so what it can
do for a verdict is to return the right data.
"""
