"""Answers without a model: what is shown and typed through, and what was answered where the user comes back to."""

from __future__ import annotations

from rung.cascade.answers import Answers
from rung.cascade.attempt import Climb
from rung.cascade.trigger import Trigger
from rung.lsp.server.offers import Offers
from rung.lsp.server.projects import Project
from rung.lsp.server.remembered import Remembered


class Recall:
    """before, after: the text around the place, with what is selected in the editor's list."""

    def __init__(self, offers: Offers) -> None:
        self.answers = Answers[Remembered]()
        self._offers = offers

    def find(self, uri: str, before: str, after: str, project: Project) -> tuple[Climb, tuple[str, ...]] | None:
        """The climb and what of its texts is left to insert, maybe nothing; None: nobody knows."""
        found = self.answers.find(uri, before, after)
        if found is None:
            return None
        remembered = found.value
        if remembered.project.completer is not project.completer or self._offers.is_rejected(remembered.climb.id):
            self.answers.forget(lambda value: value is remembered)
            return None
        if not remembered.shown:
            project.completer.shown(remembered.climb, Trigger.AUTOMATIC)
            remembered.shown = True
        return remembered.climb, found.texts

    def keep(self, uri: str, before: str, after: str, climb: Climb, project: Project) -> None:
        """What a rung decided; an answer for want of a better one is asked for again."""
        if climb.settled:
            answer = climb.answer
            texts = (answer.text, *answer.others) if answer is not None else ()
            self.answers.put(uri, before, after, texts, Remembered(climb, project, shown=True))
