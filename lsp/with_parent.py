"""`python -m rung.lsp.with_parent MODULE [ARGUMENT ...]`: runs MODULE until it ends, or standard input does.

Who holds the other end of that pipe is then never outlived, whatever ends it, `kill -9` too.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading


def main() -> None:
    """As the module's own `python -m` would, in the same process."""
    sys.argv = sys.argv[1:]
    threading.Thread(target=_end_with_input, daemon=True).start()
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_input() -> None:
    os.read(0, 1)  # nothing is ever written to it
    os._exit(1)


if __name__ == "__main__":
    main()
