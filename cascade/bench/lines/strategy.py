"""The ways to complete that are compared: MCCom's, either rung alone, and MCCom's without each of its mechanisms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Rungs(StrEnum):
    """Which there are."""

    SMALL = "small"
    LARGE = "large"
    BOTH = "both"


class Engine(StrEnum):
    """The small rung's. Drafts from the context need exact text, which costs by itself: so there are three.

    `usual`: as rung has it unless configured otherwise, without drafts.
    """

    USUAL = "usual"
    EXACT = "exact"
    DRAFTING = "exact, drafting"


@dataclass(frozen=True, slots=True)
class Strategy:
    """confidence: below θ, the large rung is asked. rejection: what is shown and is not right makes it be asked.

    early_cut: the small rung ends after 3 tokens where these say that it will be below θ. large_draft: the small rung's
    text is the large one's draft. retrieval: code of the repository is in the prompts. second_retrieval: that of the
    large one is also found by the small one's text. suffix: what stands after the cursor is in the prompts.
    """

    name: str
    rungs: Rungs = Rungs.BOTH
    confidence: bool = True
    rejection: bool = True
    early_cut: bool = True
    large_draft: bool = True
    retrieval: bool = True
    second_retrieval: bool = True
    suffix: bool = True
    small_engine: Engine = Engine.USUAL

    @property
    def has_theta(self) -> bool:
        """Whether its course depends on θ."""
        return self.rungs is Rungs.BOTH and self.confidence


SMALL_ONLY = Strategy("small only", Rungs.SMALL, confidence=False, rejection=False)
LARGE_ONLY = Strategy("large only", Rungs.LARGE, confidence=False, rejection=False)
CONFIDENCE_ONLY = Strategy("confidence only", rejection=False)
REJECTION_ONLY = Strategy("rejection only", confidence=False)
BOTH = Strategy("both")

# Each chooses its own θ, where it has one.
STRATEGIES = (SMALL_ONLY, LARGE_ONLY, CONFIDENCE_ONLY, REJECTION_ONLY, BOTH)
# At the θ of `BOTH`: nothing else is different. The last two are to be compared with each other.
ABLATIONS = (
    replace(BOTH, name="both, no early cut", early_cut=False),
    replace(BOTH, name="both, no draft for the large rung", large_draft=False),
    replace(BOTH, name="both, no second retrieval", second_retrieval=False),
    replace(BOTH, name="both, no retrieval", retrieval=False, second_retrieval=False),
    replace(LARGE_ONLY, name="large only, no retrieval", retrieval=False, second_retrieval=False),
    replace(BOTH, name="both, no suffix", suffix=False),
    replace(BOTH, name="both, exact small rung with drafts", small_engine=Engine.DRAFTING),
    replace(BOTH, name="both, exact small rung without drafts", small_engine=Engine.EXACT),
)
