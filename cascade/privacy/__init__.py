"""What may leave the machine: not ignored files, not text that looks like a secret."""

from rung.cascade.privacy.gate import may_send
from rung.cascade.privacy.patterns import ALWAYS_NEVER_SENT

__all__ = ["ALWAYS_NEVER_SENT", "may_send"]
