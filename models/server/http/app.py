"""The routes of the server."""

from __future__ import annotations

import time

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rung.models.server.asked import Busy, EngineFailed, Refused
from rung.models.server.http.completions import Completions
from rung.models.server.http.desk import Desk, State
from rung.models.server.http.errors import error_response
from rung.models.server.http.keys import HEALTH, Guard, Keys
from rung.models.server.http.log import COMPLETIONS, Logged
from rung.models.server.http.metrics import Metrics

_ERRORS = (Refused, Busy, EngineFailed, HTTPException, Exception)


def server_app(desk: Desk, keys: Keys) -> Starlette:
    """The ASGI application."""
    metrics = Metrics(desk.load)
    began = int(time.time())

    async def models(_request: Request) -> Response:
        name = desk.engine().name
        entry = {"id": name, "object": "model", "created": began, "owned_by": "rung"}
        return JSONResponse({"object": "list", "data": [entry]})

    async def health(_request: Request) -> Response:
        return JSONResponse({"status": desk.state}, 200 if desk.state is State.READY else 503)

    async def figures(_request: Request) -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    app = Starlette(
        routes=[
            Route(COMPLETIONS, Completions(desk, metrics), methods=["POST"]),
            Route("/v1/models", models),
            Route(HEALTH, health),
            Route("/metrics", figures),
        ],
        middleware=[Middleware(Logged, metrics), Middleware(Guard, keys)],
        exception_handlers=dict.fromkeys(_ERRORS, error_response),
    )
    app.router.redirect_slashes = False
    return app
