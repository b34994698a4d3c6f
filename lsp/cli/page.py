"""What the terminal shows, as a page."""

from __future__ import annotations

import io

from rich.console import Console, RenderableType

_COLUMNS = 110
# In VS Code's web views the page has the editor's colours, elsewhere the system's. No script, nothing to fetch.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>rung: report</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ color: var(--vscode-editor-foreground, CanvasText); background: var(--vscode-editor-background, Canvas); }}
pre {{ font-family: var(--vscode-editor-font-family, ui-monospace, Menlo, Consolas, monospace); line-height: 1.35; }}
code {{ background: none; color: inherit; }}
{stylesheet}
</style>
</head>
<body><pre><code style="font-family: inherit">{code}</code></pre></body>
</html>
"""


def page(shown: RenderableType) -> str:
    """One file of HTML."""
    console = Console(record=True, width=_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(shown)
    return console.export_html(code_format=_PAGE, inline_styles=False)
