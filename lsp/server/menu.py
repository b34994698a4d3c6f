"""textDocument/completion: the same answers as entries of a menu, for editors that know no inline completion."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from lsprotocol import types

from rung.lsp.server.documents import Document, Place

if TYPE_CHECKING:
    from rung.lsp.server.session import Session

# Behind these a line goes on. Not behind what may end one, such as ":" or "{": in many menus Enter takes an entry.
TRIGGERS = (" ", ".", "(", "[", ",", "=")
LONGEST_LABEL = 80  # characters
_LONGEST_WORD = 200


def register_menu(session: Session) -> None:
    """Announces and handles it."""

    @session.server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    def completion(params: types.CompletionParams) -> asyncio.Task[types.CompletionList | None] | None:
        session.warming.asked()
        # Nobody says that a person asked by hand: `Invoked` is also sent for a letter that was typed.
        context = types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic)
        asked = session.completions.ask(types.InlineCompletionParams(context, params.text_document, params.position))
        document = session.protocol.documents().find(params.text_document.uri)
        if asked is None or document is None:
            return None
        word = _Word.before(document, params.position)
        menu = asyncio.get_running_loop().create_task(_menu(session, asked, word))
        menu.add_done_callback(lambda _: asked.cancel())  # also where it was cancelled before it began
        return menu


@dataclass(frozen=True, slots=True)
class _Word:
    """The one before the cursor, maybe empty. An entry replaces it and begins with it; editors drop others."""

    text: str
    range: types.Range
    language: str

    @staticmethod
    def before(document: Document, position: types.Position) -> _Word:
        end = document.locate(position)
        line = document.lines[end.line][: end.column]
        length = sum(1 for _ in takewhile(_is_of_word, reversed(line[-_LONGEST_WORD:])))
        start = Place(end.line, end.column - length)
        span = types.Range(document.position(start), document.position(end))
        return _Word(line[start.column :], span, document.language_id or "")


async def _menu(
    session: Session, asked: asyncio.Task[types.InlineCompletionList | None], word: _Word
) -> types.CompletionList | None:
    """Incomplete: with every key the entry is another one."""
    answer = await asked
    items = [item for inline in (answer.items if answer else ()) if (item := _item(session, inline, word))]
    return types.CompletionList(is_incomplete=True, items=items) if items else None


def _item(session: Session, inline: types.InlineCompletionItem, word: _Word) -> types.CompletionItem | None:
    added = inline.insert_text
    if not isinstance(added, str) or not added.strip():
        return None  # nobody could see what it is
    text = word.text + added
    label = _label(word.text, added)
    return types.CompletionItem(
        label=label,
        kind=types.CompletionItemKind.Text,  # snippets are left out by some editors while somebody types
        detail=_detail(session, inline),
        documentation=_documentation(text, word.language) if "\n" in text else None,
        sort_text="0",
        filter_text=text.partition("\n")[0] or label,
        insert_text_format=types.InsertTextFormat.PlainText,
        insert_text_mode=types.InsertTextMode.AsIs,
        text_edit=types.TextEdit(word.range, text),
        command=inline.command,
    )


def _label(word: str, added: str) -> str:
    """The word and the first line of what is added that is not blank."""
    blank = not added.partition("\n")[0].strip()
    line = " " + added.strip().partition("\n")[0] if blank else added.partition("\n")[0]
    label = (word + line).strip()
    return label if len(label) <= LONGEST_LABEL else label[: LONGEST_LABEL - 1] + "…"


def _detail(session: Session, inline: types.InlineCompletionItem) -> str:
    arguments = inline.command.arguments if inline.command else None
    offer = session.offers.find(str(arguments[0])) if arguments else None
    return f"rung · {offer.climb.answer.rung}" if offer and offer.climb.answer else "rung"


def _documentation(text: str, language: str) -> types.MarkupContent:
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return types.MarkupContent(types.MarkupKind.Markdown, f"{fence}{language}\n{text}\n{fence}")


def _is_of_word(character: str) -> bool:
    return character.isalnum() or character == "_"
