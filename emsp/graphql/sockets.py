"""The WebSockets of the public API: strawberry's own handler, but that watchers of the map share their payloads."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import orjson
from graphql import GraphQLError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import GraphQL
from strawberry.schema import BaseSchema
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_transport_ws.types import ConnectionInitMessage, SubscribeMessage

from emsp import logs
from emsp.errors import Invalid
from emsp.graphql import posts
from emsp.graphql.live_map.hub import Hub
from emsp.graphql.live_map.renderings import Asked
from emsp.graphql.live_map.subscriber import Send, Subscriber
from emsp.graphql.open_sign_ins import OpenSignIns
from emsp.graphql.viewer import Context

FORBIDDEN = 4403
log = logs.log(__name__)


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """One connection."""

    view: Sockets

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """From here on the connection lives as long as the token that it came with."""
        await super().handle_connection_init(message)
        if self.connection_acknowledged:
            self.view.sign_ins.add(self)

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """A document may be named by its id, as over HTTP, instead of being sent."""
        asked: Any = message["payload"]
        if self.connection_acknowledged and (named := _named(asked)):
            try:
                asked["query"] = self.view.schema.persisted.text(asked.get("query"), named)  # type: ignore[attr-defined]
            except GraphQLError as error:
                await self.send_message({"id": message["id"], "type": "error", "payload": [error.formatted]})
                return
        await super().handle_subscribe(message)

    async def shutdown(self) -> None:
        """Nothing of the connection stays."""
        self.view.sign_ins.discard(self)
        await super().shutdown()

    @property
    def access_token(self) -> str | None:
        """The token that says who is connected."""
        return self.context.asker.access_token

    async def forbid(self) -> None:
        """Close the connection of somebody whose token is not good any more."""
        for operation_id in list(self.operations):
            await self.cleanup_operation(operation_id)
        with suppress(WebSocketDisconnect, RuntimeError):  # whoever is gone already
            await self.websocket.close(code=FORBIDDEN, reason="Forbidden")

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Whatever is asked; a watcher of the map is told by the hub, in the very words that it would be told in."""
        asked = Asked(self.schema, operation.query, operation.variables, operation.operation_name)
        subscriber = await self.view.hub.subscriber(asked, self.context)
        if subscriber is None or not await self._is_told(operation, subscriber):
            await super().run_operation(operation)

    async def _is_told(self, operation: Operation[Context, None], subscriber: Subscriber) -> bool:
        async with self.view.hub.watching(subscriber):
            try:
                await subscriber.look_around()
            except (Invalid, SQLAlchemyError):  # strawberry's handler knows what to answer to that
                return False
            try:
                await subscriber.tell(self._sends(operation))
            except WebSocketDisconnect:
                pass
            except Exception as error:
                await self.handle_task_exception(error)
                await operation.send_operation_message({"id": operation.id, "type": "complete"})
        return True

    def _sends(self, operation: Operation[Context, None]) -> Send:
        beginning = '{"id":' + orjson.dumps(operation.id).decode() + ',"type":"next","payload":'
        socket: Any = self.websocket

        async def send(payload: str) -> None:
            await socket.ws.send({"type": "websocket.send", "text": f"{beginning}{payload}}}"})

        return send


class Sockets(GraphQL[Context, None]):
    """GraphQL whose WebSockets are of this kind."""

    graphql_transport_ws_handler_class = Socket

    def __init__(self, schema: BaseSchema, **options: Any) -> None:
        super().__init__(schema, **options)
        self.hub = Hub(schema._schema, self.encode_json_string)  # type: ignore[attr-defined]
        self.sign_ins = OpenSignIns()


def _named(asked: Any) -> dict[str, Any] | None:
    """The extensions that name a document, where one is named."""
    if not isinstance(asked, dict):
        return None
    extensions = posts.by_id(asked) or asked.get("extensions")
    return extensions if isinstance(extensions, dict) and "persistedQuery" in extensions else None
