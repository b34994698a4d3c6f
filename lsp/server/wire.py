"""Reading a JSON-RPC message that anybody may have written."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeVar

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from lsprotocol.types import ErrorCodes

T = TypeVar("T")
MessageId = int | str
MAX_ID = 256  # characters


class Refusal(Exception):
    """A message that cannot be handled. id: of the request to answer with it, None where it has none."""

    def __init__(self, code: int, text: str, message_id: MessageId | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.id = message_id


@dataclass(frozen=True, slots=True)
class Message:
    """id and method: a request; method alone: a notification; id alone: an answer."""

    id: MessageId | None
    method: str | None
    data: dict[str, Any]


def read_message(body: bytes) -> Message:
    """Raises Refusal."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise Refusal(ErrorCodes.ParseError, "The message is not JSON.") from None
    if not isinstance(data, dict):
        raise Refusal(ErrorCodes.InvalidRequest, "The message is not a JSON object.")
    method, message_id = data.get("method"), data.get("id")
    if isinstance(message_id, bool) or not isinstance(message_id, int | str | None):
        raise Refusal(ErrorCodes.InvalidRequest, "The message's id is neither a number nor a string.")
    if isinstance(message_id, str) and len(message_id) > MAX_ID:
        raise Refusal(ErrorCodes.InvalidRequest, f"The message's id is longer than {MAX_ID} characters.")
    if data.get("jsonrpc") != "2.0":
        raise Refusal(ErrorCodes.InvalidRequest, 'The message has no "jsonrpc": "2.0".', message_id)
    if method is None and ("result" in data or "error" in data):
        return Message(message_id, None, data)
    if not isinstance(method, str):
        raise Refusal(ErrorCodes.InvalidRequest, "The message's method is not a string.", message_id)
    return Message(message_id, method, data)


def structure(converter: Converter, data: object, shape: type[T]) -> T:
    """`data` as lsprotocol's class. Raises ValueError with the fields that do not fit, without their values."""
    try:
        return converter.structure(data, shape)
    except BaseValidationError as error:
        found = {text.rpartition(" @ $.")[2] for text in transform_error(error)}
        raise ValueError(", ".join(sorted(found))) from None
    except (TypeError, ValueError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(type(error).__name__) from None
