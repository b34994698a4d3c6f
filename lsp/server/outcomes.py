"""`rung/outcome`: what an editor's extension tells of an offer that its document does not show."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from rung.cascade.telemetry import Outcome
from rung.lsp.server.wire import structure

if TYPE_CHECKING:
    from rung.lsp.server.session import Session

OUTCOME = "rung/outcome"


class Told(StrEnum):
    """The values of `outcome`."""

    SHOWN = Outcome.SHOWN.value
    ACCEPTED = Outcome.ACCEPTED.value
    PARTLY_ACCEPTED = Outcome.PARTLY_ACCEPTED.value
    DISMISSED = Outcome.DISMISSED.value


@dataclass(frozen=True, slots=True)
class OutcomeParams:
    """id: that of the offer, the first argument of its item's command."""

    id: str
    outcome: Told


def register_outcomes(session: Session) -> None:
    """Handles the notification."""

    @session.server.feature(OUTCOME)
    def outcome(params: Any) -> None:  # `object` would be taken for the server by pygls
        try:
            told = structure(session.protocol.converter, params, OutcomeParams)
        except ValueError as error:
            session.protocol.drop(OUTCOME, str(error))
        else:
            session.offers.told(told.id, Outcome(told.outcome))
            if told.outcome is Told.DISMISSED:
                session.completions.dismissed(told.id)
