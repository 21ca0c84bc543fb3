"""Our OAuth 2.0 authorization server (RFC 6749) on authlib's protocol core.

Authlib reads the request, finds the grant, authenticates the client and words the errors; who signs in and which
tokens they get is decided in `accounts`. The core is synchronous: an issuer runs inside `AsyncSession.run_sync`,
from where its grants await the features on the same event loop and in the same transaction. Authlib turns its
errors into replies before they leave the issuer, so the transaction of a refused request commits: a counted try and
a revoked family stay.

There is one client, `app`: public, without a secret, for the apps of all brands.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, InvalidRequestError, OAuth2Error, OAuth2Request
from authlib.oauth2.rfc6749.requests import OAuth2Payload
from starlette.responses import JSONResponse

from emsp.brands.tables import Brand
from emsp.db.engine import Db
from emsp.login.grants import GRANTS, Revocation

CLIENT_ID = "app"


class App(ClientMixin):  # type: ignore[misc]
    """The one client: it proves nothing, and may use every grant there is."""

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Only `none`, at every endpoint."""
        return method == "none"


class Form(OAuth2Payload):  # type: ignore[misc]
    """The parameters of a request."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)

    @property
    def data(self) -> dict[str, str]:
        return {name: values[0] for name, values in self._lists.items()}

    @property
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists


class FormRequest(OAuth2Request):  # type: ignore[misc]
    """A POST of form parameters.

    Authlib insists on https in the address it is shown; TLS ends in front of this process, so what is shown is a
    name for the endpoint and not the address on the wire.
    """

    def __init__(self, pairs: list[tuple[str, str]], headers: dict[str, str]) -> None:
        super().__init__("POST", "https://login", headers=headers)
        self.payload = Form(pairs)

    @property
    def form(self) -> dict[str, str]:
        return self.payload.data


class Issuer(AuthorizationServer):  # type: ignore[misc]
    """The server for one request: at one brand, in one transaction."""

    def __init__(self, db: Db, brand: Brand) -> None:
        super().__init__()
        self.db, self.brand = db, brand
        for grant in GRANTS:
            self.register_grant(grant)
        self.register_endpoint(Revocation)

    def answer(self, endpoint: str, request: FormRequest) -> JSONResponse:
        """The reply of `token` or `revocation`; every OAuth error is a reply."""
        try:
            self._check_parameters(endpoint, request)
            if endpoint == "token":
                return self.create_token_response(request)  # type: ignore[no-any-return]
            return self.create_endpoint_response(endpoint, request)  # type: ignore[no-any-return]
        except OAuth2Error as error:
            return self.handle_error_response(request, error)  # type: ignore[no-any-return]

    def _check_parameters(self, endpoint: str, request: FormRequest) -> None:
        """RFC 6749, section 3.2: no parameter twice. What a missing `grant_type` is called is in section 5.2."""
        if any(len(values) > 1 for values in request.payload.datalist.values()):
            raise InvalidRequestError("A parameter is there more than once.")
        if endpoint == "token" and not request.payload.grant_type:
            raise InvalidRequestError("The parameter grant_type is missing.")

    def query_client(self, client_id: str) -> App | None:
        """The client with this id."""
        return App() if client_id == CLIENT_ID else None

    def create_oauth2_request(self, request: FormRequest) -> FormRequest:
        """Requests come in as authlib wants them."""
        return request

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> JSONResponse:
        """Authlib's reply as Starlette's."""
        return JSONResponse(body, status, dict(headers))

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nothing listens to authlib's signals."""
