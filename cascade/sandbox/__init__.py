"""Runs solutions that models wrote against tests that models wrote, where neither can do harm."""

from rung.cascade.sandbox.bubblewrap import SandboxUnavailable
from rung.cascade.sandbox.matrix import Limits, Matrix, Verdict
from rung.cascade.sandbox.sandbox import Sandbox
from rung.cascade.sandbox.session import Session

__all__ = ["Limits", "Matrix", "Sandbox", "SandboxUnavailable", "Session", "Verdict"]
