"""Between an editor and `rung serve`: passes everything on, and notes when completions are asked for and answered.

Run by the editor: `python timed_server.py LOG COMMAND ...`. A line of LOG is `asked SECONDS ID` or
`answered SECONDS ID`, on the system's clock.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

METHOD = "textDocument/inlineCompletion"


def pass_on(source: IO[bytes], sink: IO[bytes], note: Callable[[dict[str, Any]], None]) -> None:
    """Message by message, until the source ends."""
    while header := source.readline():
        length = int(header.split(b":")[1])
        while (line := source.readline()) not in (b"\r\n", b""):
            header += line
        body = source.read(length)
        note(json.loads(body))
        sink.write(header + b"\r\n" + body)
        sink.flush()


def main(log_path: Path, command: list[str]) -> int:
    open_ids: set[object] = set()
    with log_path.open("a") as log, subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None

        def asked(message: dict[str, Any]) -> None:
            if message.get("method") == METHOD:
                open_ids.add(message["id"])
                print("asked", time.time(), message["id"], file=log, flush=True)

        def answered(message: dict[str, Any]) -> None:
            if "method" not in message and message.get("id") in open_ids:
                print("answered", time.time(), message["id"], file=log, flush=True)

        answers = threading.Thread(target=pass_on, args=(server.stdout, sys.stdout.buffer, answered))
        answers.start()
        pass_on(sys.stdin.buffer, server.stdin, asked)
        server.stdin.close()
        answers.join()
    return server.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
