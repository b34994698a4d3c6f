"""What remote rungs may spend, and the ledger of what they did."""

from rung.cascade.budget.budget import Budget, Refusal, Reservation, Spent
from rung.cascade.budget.limits import Limits

__all__ = ["Budget", "Limits", "Refusal", "Reservation", "Spent"]
