"""A tiny eMSP that keeps whatever a CPO sends it, in any version of OCPI, and can be made to fail."""

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
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
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
TOKEN_OF_2_1_1 = {
    "uid": "APP0001",
    "type": "OTHER",
    "auth_id": "NL-EMS-C00000001-X",
    "issuer": "Fake eMSP",
    "valid": True,
    "whitelist": "NEVER",
    "last_updated": "2026-01-01T00:00:00Z",
}
ROUTING = {"OCPI-from-country-code": "NL", "OCPI-from-party-id": "EMS"}


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
    version: str = "2.2.1"
    """What the fake eMSP speaks when it asks."""
    offered_version: str = "2.2.1"
    offered: tuple[str, ...] = ()
    """More versions that are offered."""
    receivers: tuple[str, ...] = ("locations", "sessions", "cdrs")
    headers: dict[str, str] = field(default_factory=dict)
    """Sent with every request, for instance for routing."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._receive, methods=METHODS)])

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
        versions = (self.offered_version, *self.offered)
        if path == "/versions":
            return [{"version": version, "url": f"{self.url}/{version}"} for version in versions]
        version = path.split("/")[1]
        if path == f"/{version}" and version in versions:
            return {"version": version, "endpoints": self._endpoints(version)}
        if path == f"/{version}/credentials":
            return self.credentials("token-c-of-the-fake-emsp", version)
        return None

    def _endpoints(self, version: str) -> list[dict[str, str]]:
        roles = {"credentials": "SENDER", **dict.fromkeys(self.receivers, "RECEIVER")}
        if version != "2.1.1":
            roles["chargingprofiles"] = "SENDER"
        listed = [{"identifier": name, "role": role} for name, role in roles.items()]
        if version == "2.1.1":
            listed = [{"identifier": entry["identifier"]} for entry in listed]
        return [{**entry, "url": f"{self.url}/{version}/{entry['identifier']}"} for entry in listed]

    def credentials(self, token: str = TOKEN_B, version: str | None = None) -> dict[str, Any]:
        party = {"country_code": "NL", "party_id": "EMS", "business_details": {"name": "Fake"}}
        whole = {"token": token, "url": f"{self.url}/versions"}
        if (version or self.version) == "2.1.1":
            return {**whole, **party}
        return {**whole, "roles": [{"role": "EMSP", **party}]}

    def bodies(self, method: str, path: str) -> list[Any]:
        """Bodies of the requests of a method whose path starts so."""
        return [r.body for r in self.received if r.method == method and r.path.startswith(path)]

    async def ask(
        self, method: str, url: str, body: Any = None, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """A request to the CPO, authorized as the version asks; underscores in header names stand for hyphens."""
        shown = token or self.token
        if self.version != "2.1.1":
            shown = base64.b64encode(shown.encode()).decode()
        content = None if body is None else msgspec.json.encode(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {"Authorization": f"Token {shown}", "Content-Type": "application/json", **self.headers, **named}
        return await self.client.request(method, url, content=content, headers=sent)

    async def data(self, method: str, url: str, body: Any = None) -> Any:
        """The data of a successful answer."""
        answer = await self.ask(method, url, body)
        parsed = DECODER.decode(answer.content)
        assert (answer.status_code, parsed["status_code"]) == (200, 1000), parsed
        return parsed.get("data")

    async def register(self, versions_url: str, invitation: str) -> dict[str, Any]:
        """The handshake as initiator; keeps the CPO's token and endpoints."""
        self.token = invitation
        offered = {entry["version"]: entry["url"] for entry in await self.data("GET", versions_url)}
        self.endpoints = await self.endpoints_at(offered[self.version])
        theirs: dict[str, Any] = await self.data("POST", self.endpoints["credentials"], self.credentials())
        self.token = theirs["token"]
        return theirs

    async def endpoints_at(self, details_url: str) -> dict[str, str]:
        """The CPO's endpoints by identifier."""
        details = await self.data("GET", details_url)
        return {entry["identifier"]: entry["url"] for entry in details["endpoints"]}

    async def command(self, name: str, body: dict[str, Any], number: int = 1) -> Any:
        """Sends a command whose result comes to /results/{number}."""
        full = {"response_url": f"{self.url}/results/{number}", **body}
        return await self.data("POST", f"{self.endpoints['commands']}{name}", full)

    async def start(self, location: dict[str, Any], reference: str = "REF-1", number: int = 1) -> Any:
        """Starts at the first EVSE of a location."""
        evse = location["evses"][0]
        place = {"location_id": location["id"], "evse_uid": evse["uid"]}
        if self.version == "2.1.1":
            return await self.command("START_SESSION", {"token": TOKEN_OF_2_1_1, **place}, number)
        place["connector_id"] = evse["connectors"][0]["id"]
        return await self.command(
            "START_SESSION", {"token": TOKEN, "authorization_reference": reference, **place}, number
        )
