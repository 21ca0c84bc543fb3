"""An app of the demo: it speaks GraphQL to the API, as any app would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import websockets

from emsp.demo.processes import DemoFailed


class AppClient:
    """One person's app. `token` is set by signing in."""

    def __init__(self, base_url: str, token: str | None = None, headers: dict[str, str] | None = None) -> None:
        self.headers = headers or {}
        self._url, self._keys_url = f"{base_url}/graphql", f"{base_url}/.well-known/jwks.json"
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(keepalive_expiry=4))
        self.token = token

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation; a refusal or a fault is an error that quotes it."""
        data = await self.try_(document, **variables)
        refused = [error for payload in data.values() for error in _errors_of(payload)]
        if refused:
            raise DemoFailed(f"the API refused: {json.dumps(refused)}")
        return data

    async def try_(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of a query or mutation, refusals included; a fault is an error that quotes it."""
        body = await self.post(document, **variables)
        if body.get("errors"):
            raise DemoFailed(f"the API answered {json.dumps(body['errors'][:2])}")
        data: dict[str, Any] = body["data"]
        return data

    async def post(self, document: str, **variables: Any) -> dict[str, Any]:
        """The whole answer, as it came."""
        headers = dict(self.headers)
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        answer = await self._http.post(self._url, json={"query": document, "variables": variables}, headers=headers)
        body: dict[str, Any] = answer.json()
        return body

    async def keys(self) -> dict[str, Any]:
        """The public keys by which anybody can check what the service has signed."""
        body: dict[str, Any] = (await self._http.get(self._keys_url)).json()
        return body

    async def follow(self, document: str, **variables: Any) -> AsyncIterator[dict[str, Any]]:
        """The values of a subscription, over graphql-transport-ws."""
        address = self._url.replace("http", "ws", 1)
        async with websockets.connect(address, subprotocols=[websockets.Subprotocol("graphql-transport-ws")]) as socket:
            signed_in = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            hello = {"type": "connection_init", "payload": self.headers | signed_in}
            await socket.send(json.dumps(hello))
            payload = {"query": document, "variables": variables}
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
            async for text in socket:
                message = json.loads(text)
                if message["type"] == "ping":
                    await socket.send('{"type":"pong"}')
                elif message["type"] == "next":
                    if message["payload"].get("errors"):
                        raise DemoFailed(f"the subscription answered {json.dumps(message['payload']['errors'])}")
                    yield message["payload"]["data"]
                elif message["type"] == "error":
                    raise DemoFailed(f"the subscription failed: {json.dumps(message['payload'])}")
                elif message["type"] == "complete":
                    return

    async def close(self) -> None:
        await self._http.aclose()


def _errors_of(payload: Any) -> list[Any]:
    return list(payload.get("errors") or []) if isinstance(payload, dict) else []
