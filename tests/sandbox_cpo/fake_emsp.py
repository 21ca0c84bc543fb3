"""A tiny eMSP that keeps whatever a CPO sends it, and can be made to fail."""

import base64
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)
TOKEN_B = "token-b-of-the-fake-emsp"
TOKEN = {
    "country_code": "NL",
    "party_id": "EMS",
    "uid": "APP0001",
    "type": "APP_USER",
    "contract_id": "NL-EMS-C00000001-X",
    "issuer": "Fake eMSP",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": "2026-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class FakeEmsp:
    """The eMSP's side of a connection to one CPO."""

    url: str
    client: httpx.AsyncClient
    received: list[Received] = field(default_factory=list)
    failing: bool = False
    endpoints: dict[str, str] = field(default_factory=dict)
    token: str = ""
    offered_version: str = "2.2.1"
    receivers: tuple[str, ...] = ("locations", "sessions", "cdrs")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._receive, methods=["GET", "POST", "PUT", "PATCH"])])

    async def _receive(self, request: Request) -> Response:
        content = await request.body()
        body = DECODER.decode(content) if content else None
        if self.failing:
            return Response(status_code=503)
        path = "/" + request.path_params["path"]
        self.received.append(Received(request.method, path, dict(request.headers), body))
        data = self._data(path)
        answer = {"status_code": 1000, "timestamp": "2026-01-01T00:00:00Z", **({"data": data} if data else {})}
        return Response(msgspec.json.encode(answer), media_type="application/json")

    def _data(self, path: str) -> Any:
        if path == "/versions":
            return [{"version": self.offered_version, "url": f"{self.url}/2.2.1"}]
        if path == "/2.2.1":
            receivers = [
                {"identifier": name, "role": "RECEIVER", "url": f"{self.url}/2.2.1/{name}"} for name in self.receivers
            ]
            return {
                "version": "2.2.1",
                "endpoints": [
                    {"identifier": "credentials", "role": "SENDER", "url": f"{self.url}/2.2.1/credentials"},
                    *receivers,
                ],
            }
        if path == "/2.2.1/credentials":
            return self.credentials("token-c-of-the-fake-emsp")
        return None

    def credentials(self, token: str = TOKEN_B) -> dict[str, Any]:
        role = {"role": "EMSP", "country_code": "NL", "party_id": "EMS", "business_details": {"name": "Fake"}}
        return {"token": token, "url": f"{self.url}/versions", "roles": [role]}

    def bodies(self, method: str, path: str) -> list[Any]:
        """Bodies of the requests of a method whose path starts so."""
        return [r.body for r in self.received if r.method == method and r.path.startswith(path)]

    async def ask(self, method: str, url: str, body: Any = None, token: str | None = None) -> httpx.Response:
        """A request to the CPO, authorized as OCPI 2.2.1 asks."""
        encoded = base64.b64encode((token or self.token).encode()).decode()
        content = None if body is None else msgspec.json.encode(body)
        headers = {"Authorization": f"Token {encoded}", "Content-Type": "application/json"}
        return await self.client.request(method, url, content=content, headers=headers)

    async def data(self, method: str, url: str, body: Any = None) -> Any:
        """The data of a successful answer."""
        answer = await self.ask(method, url, body)
        parsed = DECODER.decode(answer.content)
        assert (answer.status_code, parsed["status_code"]) == (200, 1000), parsed
        return parsed.get("data")

    async def register(self, versions_url: str, invitation: str) -> dict[str, Any]:
        """The handshake as initiator; keeps the CPO's token and endpoints."""
        self.token = invitation
        (version,) = await self.data("GET", versions_url)
        details = await self.data("GET", version["url"])
        self.endpoints = {entry["identifier"]: entry["url"] for entry in details["endpoints"]}
        theirs: dict[str, Any] = await self.data("POST", self.endpoints["credentials"], self.credentials())
        self.token = theirs["token"]
        return theirs

    async def command(self, name: str, body: dict[str, Any], number: int = 1) -> Any:
        """Sends a command whose result comes to /results/{number}."""
        full = {"response_url": f"{self.url}/results/{number}", **body}
        return await self.data("POST", f"{self.endpoints['commands']}{name}", full)

    async def start(self, location: dict[str, Any], reference: str = "REF-1", number: int = 1) -> Any:
        """Starts at the first EVSE of a location."""
        evse = location["evses"][0]
        place = {
            "location_id": location["id"],
            "evse_uid": evse["uid"],
            "connector_id": evse["connectors"][0]["id"],
        }
        return await self.command(
            "START_SESSION", {"token": TOKEN, "authorization_reference": reference, **place}, number
        )
