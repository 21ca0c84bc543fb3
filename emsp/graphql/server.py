"""The door of the public API: GraphQL over HTTP and WebSocket at /graphql, and GraphiQL for people."""

from __future__ import annotations

import importlib.util
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLRequestData, process_result
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UnsetType

from emsp import logs
from emsp.errors import EmspError, Invalid
from emsp.graphql import posts
from emsp.graphql.errors import code_of, extensions_of, public_message
from emsp.graphql.execution.engine import PlannedSchema
from emsp.graphql.execution.persisted import Persisted
from emsp.graphql.loaders import Loaders
from emsp.graphql.schema import make_schema
from emsp.graphql.sockets import Sockets
from emsp.graphql.viewer import Context, identify
from emsp.settings import settings
from emsp.web.received import again

STATUS = {
    "UNAUTHENTICATED": HTTPStatus.UNAUTHORIZED,
    "NOT_FOUND": HTTPStatus.NOT_FOUND,
    "INVALID_INPUT": HTTPStatus.BAD_REQUEST,
}
PAGE = Path(__file__).with_name("graphiql.html")
ASSETS = {
    "graphiql.js": "graphiql.1.5.1.min.js",
    "graphiql.css": "graphiql.1.5.1.min.css",
    "react.js": "react.production.17.0.2.min.js",
    "react-dom.js": "react-dom.production.17.0.2.min.js",
}
NO_ASSETS = (
    "<!doctype html><title>GraphiQL</title><p>GraphiQL is not installed here: "
    "run <code>pip install --no-deps datasette-graphql==2.2</code>, then start the server again.</p>"
)
NOTHING_SAID = Response()
Requested = GraphQLRequestData | list[GraphQLRequestData]
log = logs.log(__name__)


class Door(Sockets):
    """Answers every request as GraphQL does, also those that never reach a resolver."""

    schema: PlannedSchema

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        asked, receive = await self._asked(scope, receive)
        request = Request(scope, receive)
        try:
            if asked:
                response = await self._answer(request, asked)
            else:
                response = playground() if self._is_for_people(request) else await self.run(request)
        except HTTPException as wrong:
            response = _no(request, Invalid(wrong.reason), HTTPStatus(wrong.status_code))
        except EmspError as error:
            response = _no(request, error)
        except Exception as error:
            log.exception("a request failed")
            response = _no(request, error)
        await response(scope, receive, send)

    async def _asked(self, scope: Scope, receive: Receive) -> tuple[GraphQLRequestData | None, Receive]:
        """What most requests are: a POST of a query that was seen before. For all others, None.

        What was received of the body is received again by whoever uses the second value.
        """
        if scope["method"] != "POST" or not posts.is_json(scope):
            return None, receive
        message = await receive()
        asked = posts.read(message) if message["type"] == "http.request" and not message.get("more_body") else None
        return asked if asked and self._knows(asked) else None, again([message], receive)

    def _knows(self, asked: GraphQLRequestData) -> bool:
        try:
            text = self.schema.persisted.text(asked.query, asked.extensions)
        except GraphQLError:
            return False
        document = self.schema.documents.get(text)
        operation = document.operation(asked.operation_name) if document else None
        return operation is not None and operation.is_query

    async def _answer(self, request: Request, asked: GraphQLRequestData) -> Response:
        """As `run`, which takes all ways into account that a request may come."""
        context = await self.get_context(request, NOTHING_SAID)
        result = await self.schema.execute(
            asked.query, asked.variables, context, None, asked.operation_name, operation_extensions=asked.extensions
        )
        return Response(orjson.dumps(process_result(result)), media_type="application/json")

    def _is_for_people(self, request: Request) -> bool:
        asks_nothing = request.method == "GET" and "query" not in request.query_params
        return asks_nothing and settings().playground and "text/html" in request.headers.get("accept", "")

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Whether a request asks for a page: not one that names a document instead of sending it."""
        named = "documentId" in request.query_params or "extensions" in request.query_params
        return not named and super().should_render_graphql_ide(request)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> Requested:
        """What is asked for. Raises HTTPException for JSON that is neither an object nor a list."""
        if request.method == "POST" and (await request.get_body()).lstrip()[:1] not in (b"{", b"["):
            raise HTTPException(HTTPStatus.BAD_REQUEST, "The body must be a JSON object.")
        asked = await super().parse_http_body(request)
        if isinstance(asked, GraphQLRequestData) and asked.query is None:
            asked.extensions = await _named(request) or asked.extensions
        return asked

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Who asks by HTTP is known at once; by WebSocket, when its first message is here."""
        context = Context(_request_id(request), request.headers, Loaders(remember=isinstance(request, Request)))
        if isinstance(request, Request):
            await identify(context)
        return context

    async def on_ws_connect(self, context: Context) -> UnsetType:
        """A WebSocket's first message says who it is."""
        try:
            await identify(context)
        except EmspError as error:
            raise ConnectionRejectionError from error
        return UnsetType()

    def decode_json(self, data: str | bytes) -> object:
        """JSON as an app sends it."""
        return orjson.loads(data)

    def create_response(self, response_data: Any, sub_response: Response) -> Response:
        """The answer, written once."""
        response = Response(orjson.dumps(response_data), media_type="application/json")
        response.headers.raw.extend(sub_response.headers.raw)
        return response

    def encode_json(self, data: object) -> str:
        """JSON as text, which is what a WebSocket of this protocol carries."""
        return orjson.dumps(data).decode()


def door() -> Door:
    """What answers at /graphql, an ASGI application."""
    return Door(
        make_schema(introspection=settings().playground, as_json=True, persisted=_persisted()),
        graphql_ide=None,
        subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL],
        connection_init_wait_timeout=timedelta(seconds=10),
        allowed_origins=["*"],  # nothing is granted by cookies, so any page may connect
    )


def routes(at: Door | None = None) -> list[BaseRoute]:
    """What is mounted at the root: /graphql by HTTP and WebSocket, and the files of GraphiQL."""
    app = at or door()
    return [
        Route("/graphql", app),
        WebSocketRoute("/graphql", app),
        Route("/graphql/assets/{name}", asset),
    ]


def _persisted() -> Persisted:
    """The documents that are known beforehand."""
    return Persisted(settings().documents, only=settings().only_documents)


async def _named(request: AsyncHTTPRequestAdapter) -> dict[str, Any] | None:
    """What `documentId` says, as Apollo's clients would say it."""
    body = request.query_params if request.method == "GET" else orjson.loads(await request.get_body())
    return posts.by_id(body)


def playground() -> Response:
    """GraphiQL's page, or how to get it."""
    return HTMLResponse(PAGE.read_text() if _assets() else NO_ASSETS)


async def asset(request: Request) -> Response:
    """One of GraphiQL's files."""
    folder, name = _assets(), ASSETS.get(request.path_params["name"])
    if folder is None or name is None or not settings().playground:
        return Response(status_code=HTTPStatus.NOT_FOUND)
    return FileResponse(folder / name, headers={"cache-control": "public, max-age=86400"})


def _assets() -> Path | None:
    """The folder with GraphiQL's files, of a package whose code is not run."""
    spec = importlib.util.find_spec("datasette_graphql")
    places = spec.submodule_search_locations if spec else None
    return Path(places[0]) / "static" if places else None


def _request_id(request: HTTPConnection) -> str:
    return str(request.scope.get("state", {}).get("request_id") or uuid4())


def _no(request: Request, error: Exception, status: HTTPStatus | None = None) -> Response:
    """An answer without data: what was wrong with the request as a whole."""
    code = code_of(error)
    wrong = {"message": public_message(error, str(error)), "extensions": extensions_of(error, _request_id(request))}
    return Response(
        orjson.dumps({"data": None, "errors": [wrong]}),
        status_code=status or STATUS.get(code, HTTPStatus.INTERNAL_SERVER_ERROR),
        media_type="application/json",
        headers={"www-authenticate": "Bearer"} if code == "UNAUTHENTICATED" else None,
    )
