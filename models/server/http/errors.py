"""What went wrong, in OpenAI's form."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from rung.models.server.asked import Busy, EngineFailed, Refused
from rung.models.server.http.asking import MODEL_NOT_FOUND
from rung.models.server.http.json_text import json_bytes


class Unready(Busy):
    """No engine to ask: the model is being loaded, or the server shuts down."""


def error_object(error: Exception) -> dict[str, object]:
    """{"error": …} of what the engine, the desk or starlette raised."""
    if isinstance(error, Refused):
        return _object(str(error), "invalid_request_error", error.param, error.code)
    if isinstance(error, Unready):
        return _object(str(error), "server_error", code="unavailable")
    if isinstance(error, Busy):
        return _object(str(error), "rate_limit_error", code="rate_limit_exceeded")
    if isinstance(error, HTTPException):
        kind = "invalid_request_error" if error.status_code < 500 else "server_error"
        return _object(error.detail, kind)
    return _object(str(error) if isinstance(error, EngineFailed) else "The server failed; see its log.", "server_error")


def error_response(_request: Request, error: Exception) -> Response:
    """Of whatever was raised before the answer began."""
    headers: dict[str, str] = {}
    if isinstance(error, Busy):
        headers["Retry-After"] = str(max(1, error.seconds))
    if isinstance(error, HTTPException):
        headers.update(error.headers or {})
    return Response(json_bytes(error_object(error)), _status(error), headers, "application/json")


def unauthorized() -> Response:
    body = _object(
        "This server needs its key: send it as 'Authorization: Bearer KEY'.",
        "invalid_request_error",
        code="invalid_api_key",
    )
    return Response(json_bytes(body), 401, {"WWW-Authenticate": "Bearer"}, "application/json")


def wrong_host() -> Response:
    body = _object(
        "Without a key this server answers only to 127.0.0.1 and localhost: ask there, or start it with --key-env.",
        "invalid_request_error",
    )
    return Response(json_bytes(body), 403, media_type="application/json")


def _status(error: Exception) -> int:
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, Refused):
        return HTTPStatus.NOT_FOUND if error.code == MODEL_NOT_FOUND else HTTPStatus.BAD_REQUEST
    if isinstance(error, Unready):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.TOO_MANY_REQUESTS if isinstance(error, Busy) else HTTPStatus.INTERNAL_SERVER_ERROR


def _object(message: str, kind: str, param: str | None = None, code: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}
