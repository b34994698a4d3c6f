"""A real Neovim without a screen, with rung's plugin, driven over its own RPC."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

msgpack = pytest.importorskip("msgpack", reason="Neovim is driven with msgpack: pip install msgpack")

PLUGIN = Path(__file__).parents[2] / "editors" / "neovim"
LIMIT_S = 60.0  # a busy machine, and a real model that loads

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

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._unpacker = msgpack.Unpacker(strict_map_key=False)
        self._requests = 0

    def open(self, path: Path) -> None:
        self.run(f"edit {path}")

    def run(self, command: str) -> str:
        """An Ex command: its output."""
        return str(self.lua("return vim.fn.execute(...)", command))

    def keys(self, keys: str) -> None:
        """As typed; in Neovim's notation."""
        self.lua("vim.api.nvim_input(...)", keys)

    def lua(self, code: str, *arguments: object) -> Any:
        """What the code returns."""
        self._requests += 1
        self._connection.sendall(msgpack.packb([0, self._requests, "nvim_exec_lua", [code, arguments]]))
        while True:
            for kind, number, *rest in self._unpacker:
                if (kind, number) == (1, self._requests):
                    assert rest[0] is None, rest[0]
                    return rest[1]
            received = self._connection.recv(65536)
            assert received, "Neovim hung up"
            self._unpacker.feed(received)

    @property
    def ghost(self) -> str:
        """The grey text."""
        return str(self.lua(_GHOST))

    @property
    def text(self) -> str:
        return str(self.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')"))

    def until(self, holds: Callable[[], bool], what: str) -> None:
        """Keys are processed after `input` has returned, and answers come when they come."""
        end = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < end, f"{what}; ghost {self.ghost!r}, text {self.text!r}, {self.messages()}"
            time.sleep(0.01)  # between two looks

    def shows(self, ghost: str) -> None:
        """Wait until exactly this is grey."""
        self.until(lambda: self.ghost == ghost, f"never showed {ghost!r}")

    def offered(self) -> str:
        """Wait until something is grey: that."""
        self.until(lambda: self.ghost != "", "nothing was offered")
        return self.ghost

    def holds(self, text: str) -> None:
        """Wait until the buffer holds exactly this."""
        self.until(lambda: self.text == text, f"never held {text!r}")

    def command(self, name: str, *arguments: object) -> Any:
        """What the server answers to a command."""
        return self.lua(
            """
            local client = vim.lsp.get_clients({ name = 'rung' })[1]
            local limit_ms, name = ...
            local params = { command = name, arguments = { select(3, ...) } }
            local answer = assert(client:request_sync('workspace/executeCommand', params, limit_ms))
            assert(not answer.err, vim.inspect(answer.err))
            return answer.result
            """,
            LIMIT_S * 1000,
            name,
            *arguments,
        )

    def messages(self) -> str:
        return self.run("messages")


def configured(folder: Path, server: Sequence[str], options: str = "", further: str = "") -> Path:
    """A configuration with the plugin; see `neovim`."""
    quoted = ", ".join(f"[[{part}]]" for part in server)
    init = folder / "init.lua"
    init.write_text(
        f"vim.opt.runtimepath:prepend([[{PLUGIN}]])\n"
        "vim.cmd.filetype('on')\n"
        "vim.opt.swapfile = false\n"
        f"{further}\n"
        f"require('rung').setup{{ cmd = {{ {quoted} }}, {options} }}\n"
    )
    return init


@contextmanager
def neovim(binary: str, folder: Path, server: Sequence[str], options: str = "", further: str = "") -> Iterator[Neovim]:
    """server: the command. options: further ones of `setup`, in Lua. further: Lua that is run before it."""
    address = folder / "nvim"
    init = configured(folder, server, options, further)
    argv = [binary, "--headless", "--clean", "-u", str(init), "--listen", str(address)]
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2 * LIMIT_S)  # `:checkhealth rung` waits for models
                end = time.monotonic() + LIMIT_S
                while connection.connect_ex(str(address)):  # its file is there before it listens
                    assert process.poll() is None, "Neovim ended at its start"
                    assert time.monotonic() < end, "Neovim did not listen"
                    time.sleep(0.01)  # between two looks
                editor = Neovim(connection)
                yield editor
                editor.lua("vim.schedule(function() vim.cmd('qall!') end)")
                process.wait(LIMIT_S)
        finally:
            process.kill()
