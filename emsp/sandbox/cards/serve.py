"""The card processor as a process: one JSON line when it is ready, then requests until it is told to stop."""

from __future__ import annotations

import json
import socket

import uvicorn

from emsp.sandbox.cards.app import build_app
from emsp.sandbox.cards.options import CardsOptions

GRACEFUL_SHUTDOWN_S = 2


class _Announcing(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            host, port, *_ = server.sockets[0].getsockname()
            print(json.dumps({"ready": True, "api_base": f"http://{host}:{port}"}), flush=True)


async def serve(options: CardsOptions) -> None:
    """Serve until SIGINT or SIGTERM; prints `{"ready": true, "api_base": …}` once it listens."""
    config = uvicorn.Config(
        build_app(options),
        host=options.host,
        port=options.port,
        log_level="warning",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
    )
    await _Announcing(config).serve()
