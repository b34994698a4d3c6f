"""Who asked for a completion."""

from __future__ import annotations

from enum import StrEnum


class Trigger(StrEnum):
    """`automatic`: the editor, while typing. `invoked`: the user, by hand in the editor."""

    AUTOMATIC = "automatic"
    INVOKED = "invoked"
    COMMAND_LINE = "command_line"
