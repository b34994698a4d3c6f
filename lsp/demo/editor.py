"""A small editor: an LSP client of a real `rung serve` process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

_START_S = 60.0
_ANSWER_S = 120.0
_STOP_S = 10.0


@dataclass(frozen=True, slots=True)
class Completion:
    """text: of the item that would be shown; why: the server's explanation of it. None where there was no item."""

    text: str | None
    why: Mapping[str, Any] | None


class Editor:
    """Opens documents and asks for completions at their ends."""

    def __init__(self, client: LanguageClient) -> None:
        self._client = client

    async def complete(self, path: Path, before: str, after: str = "") -> Completion:
        """Open the document with the cursor between the two texts, ask, accept what comes, close it."""
        uri = path.as_uri()
        text = before + after
        self._client.text_document_did_open(
            types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, text))
        )
        lines = before.split("\n")
        at = types.Position(len(lines) - 1, len(lines[-1].encode("utf-16-le")) // 2)
        answer = await asyncio.wait_for(
            self._client.text_document_inline_completion_async(
                types.InlineCompletionParams(
                    context=types.InlineCompletionContext(types.InlineCompletionTriggerKind.Automatic),
                    text_document=types.TextDocumentIdentifier(uri),
                    position=at,
                )
            ),
            _ANSWER_S,
        )
        items = answer.items if isinstance(answer, types.InlineCompletionList) else answer or []
        item = items[0] if items else None
        why = None
        if item is not None and item.command is not None:
            arguments = item.command.arguments or []
            why = await self._execute("rung.explain", *arguments[:1])
            await self._execute(item.command.command, *arguments)
        self._client.text_document_did_close(types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(uri)))
        return Completion(str(item.insert_text) if item else None, why)

    async def _execute(self, command: str, *arguments: Any) -> Any:
        return await asyncio.wait_for(
            self._client.workspace_execute_command_async(types.ExecuteCommandParams(command, list(arguments))),
            _ANSWER_S,
        )


@asynccontextmanager
async def editor(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Editor]:
    """Starts `rung serve` over stdio in `folder`, and ends it."""
    client = LanguageClient("rung-demo", "1")
    await client.start_io(
        sys.executable, "-c", "from rung.lsp.cli import main; main()", "serve", env=dict(environment), cwd=str(folder)
    )
    try:
        await asyncio.wait_for(
            client.initialize_async(
                types.InitializeParams(
                    capabilities=types.ClientCapabilities(
                        window=types.WindowClientCapabilities(
                            show_document=types.ShowDocumentClientCapabilities(support=True)
                        )
                    ),
                    workspace_folders=[types.WorkspaceFolder(folder.as_uri(), folder.name)],
                )
            ),
            _START_S,
        )
        client.initialized(types.InitializedParams())
        yield Editor(client)
    finally:
        try:
            await asyncio.wait_for(client.shutdown_async(None), _STOP_S)
            client.exit(None)
        finally:
            await asyncio.wait_for(client.stop(), _STOP_S)  # type: ignore[no-untyped-call]
