"""A real Neovim without a screen, with rung's plugin, driven over its own RPC."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pynvim = pytest.importorskip("pynvim", reason="pynvim drives Neovim: pip install pynvim")

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
LIMIT_S = 8.0

_GHOST = """
local namespace = vim.api.nvim_create_namespace('rung')
local found = {}
for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, { details = true })) do
  found[#found + 1] = mark[4].virt_text[1][1]
  for _, line in ipairs(mark[4].virt_lines or {}) do
    found[#found + 1] = line[1][1]
  end
end
return table.concat(found, '\\n')
"""


class Neovim:
    """messages: what `vim.notify` said."""

    def __init__(self, nvim: Any) -> None:
        self.nvim = nvim

    def open(self, path: Path) -> None:
        self.nvim.command(f"edit {path}")

    def keys(self, keys: str) -> None:
        """As typed; in Neovim's notation."""
        self.nvim.input(keys)

    def lua(self, code: str, *arguments: object) -> Any:
        return self.nvim.exec_lua(code, *arguments)

    @property
    def ghost(self) -> str:
        """The grey text."""
        return str(self.lua(_GHOST))

    @property
    def text(self) -> str:
        return "\n".join(self.nvim.current.buffer[:])

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Keys are processed after `input` has returned, and answers come when they come."""
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"{what}; ghost {self.ghost!r}, text {self.text!r}, {self.messages()}"
            time.sleep(0.01)  # between two looks

    def shows(self, ghost: str) -> None:
        """Wait until exactly this is grey."""
        self.until(lambda: self.ghost == ghost, f"never showed {ghost!r}")

    def holds(self, text: str) -> None:
        """Wait until the buffer holds exactly this."""
        self.until(lambda: self.text == text, f"never held {text!r}")

    def command(self, name: str, *arguments: object) -> Any:
        """What the server answers to a command."""
        return self.lua(
            """
            local client = vim.lsp.get_clients({ name = 'rung' })[1]
            local params = { command = select(1, ...), arguments = { select(2, ...) } }
            local answer = client:request_sync('workspace/executeCommand', params, 10000)
            assert(not answer.err, vim.inspect(answer.err))
            return answer.result
            """,
            name,
            *arguments,
        )

    def messages(self) -> str:
        return str(self.nvim.command_output("messages"))


@contextmanager
def neovim(binary: str, folder: Path, server: Sequence[str], options: str = "") -> Iterator[Neovim]:
    """server: the command. options: further ones of `setup`, in Lua."""
    init = folder / "init.lua"
    quoted = ", ".join(f"[[{part}]]" for part in server)
    init.write_text(
        f"vim.opt.runtimepath:prepend([[{PLUGIN}]])\n"
        "vim.cmd.filetype('on')\n"
        "vim.opt.swapfile = false\n"
        f"require('rung').setup{{ cmd = {{ {quoted} }}, {options} }}\n"
    )
    socket = folder / "nvim"
    argv = [binary, "--headless", "--clean", "-u", str(init), "--listen", str(socket)]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            end = time.monotonic() + LIMIT_S
            while not socket.exists():
                assert process.poll() is None, "Neovim ended at its start"
                assert time.monotonic() < end, "Neovim did not listen"
                time.sleep(0.01)  # between two looks
            nvim = pynvim.attach("socket", path=str(socket))
            try:
                yield Neovim(nvim)
                nvim.command("qall!", async_=True)
                process.wait(LIMIT_S)
            finally:
                nvim.close()
        finally:
            process.kill()
