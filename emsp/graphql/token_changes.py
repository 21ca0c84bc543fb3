"""Add a card, block it, unblock it and take it away."""

from collections.abc import Awaitable, Callable
from enum import Enum

import strawberry
from strawberry import field

from emsp.accounts import charge_tokens, tables
from emsp.db.engine import Db, transaction
from emsp.graphql.errors import UserError, mutation
from emsp.graphql.fields import Input, value
from emsp.graphql.tokens import ChargeToken, key_of_token, token_of
from emsp.graphql.vehicles import given
from emsp.graphql.viewer import Info


@strawberry.input(description="A card to add, as it is in the driver's hands.")
class AddChargeTokenInput:
    visual_number: str = field(description="The number printed on the card.")
    uid_ending: str = field(description="The last four characters, or more, of the id of the card's chip.")
    name: str | None = field(default=strawberry.UNSET, description="What the driver calls it.")


@strawberry.enum(description="Why a card was not added.")
class AddChargeTokenErrorCode(Enum):
    TOKEN_NOT_FOUND = value("TOKEN_NOT_FOUND", "No card that is free to be added has these numbers.")
    TOO_MANY_TRIES = value("TOO_MANY_TRIES", "Too many numbers were tried; wait a quarter of an hour.")
    TOO_MANY_TOKENS = value("TOO_MANY_TOKENS", "The driver has as many cards as are kept.")
    INVALID_INPUT = value("INVALID_INPUT", "The input does not make sense; `field` says where.")


@strawberry.type(description="Why a card was not added.")
class AddChargeTokenError(UserError):
    reason: AddChargeTokenErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a card to add.")
class AddChargeTokenPayload:
    token: ChargeToken | None = field(default=None, description="The card; null when there are errors.")
    errors: list[AddChargeTokenError] = field(default_factory=list, description="Why it was not added.")


@strawberry.input(description="Which of the driver's cards or contracts.")
class ChargeTokenInput:
    token_id: strawberry.ID = field(description="The card or contract.")


@strawberry.enum(description="Why nothing was done with a card.")
class ChargeTokenErrorCode(Enum):
    TOKEN_NOT_FOUND = value("TOKEN_NOT_FOUND", "The driver has no such card.")


@strawberry.type(description="Why a card was not blocked.")
class BlockChargeTokenError(UserError):
    reason: ChargeTokenErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a card to block.")
class BlockChargeTokenPayload:
    token: ChargeToken | None = field(default=None, description="The card; null when there are errors.")
    errors: list[BlockChargeTokenError] = field(default_factory=list, description="Why it was not blocked.")


@strawberry.type(description="Why a card was not unblocked.")
class UnblockChargeTokenError(UserError):
    reason: ChargeTokenErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a card to unblock.")
class UnblockChargeTokenPayload:
    token: ChargeToken | None = field(default=None, description="The card; null when there are errors.")
    errors: list[UnblockChargeTokenError] = field(default_factory=list, description="Why it was not unblocked.")


@strawberry.type(description="Why a card was not taken away.")
class RemoveChargeTokenError(UserError):
    reason: ChargeTokenErrorCode = field(description="The code, as one of those that this mutation knows.")


@strawberry.type(description="What became of a card to take away.")
class RemoveChargeTokenPayload:
    token: ChargeToken | None = field(default=None, description="The card as it was; null when there are errors.")
    errors: list[RemoveChargeTokenError] = field(default_factory=list, description="Why it was not taken away.")


@strawberry.type
class ChargeTokenMutation:
    @mutation(
        AddChargeTokenPayload,
        AddChargeTokenError,
        AddChargeTokenErrorCode,
        "Add a card by what is printed on it, so that it starts charges.",
    )
    async def add_charge_token(self, info: Info, input: Input[AddChargeTokenInput]) -> AddChargeTokenPayload:
        async with transaction() as db:
            row = await charge_tokens.claim_token(
                db,
                info.context.driver,
                visual_number=input.visual_number,
                uid_ending=input.uid_ending,
                name=given(input.name),
            )
        return AddChargeTokenPayload(token=token_of(row))

    @mutation(
        BlockChargeTokenPayload,
        BlockChargeTokenError,
        ChargeTokenErrorCode,
        "Let a card start nothing more, as when it is lost; operators are told at once, what runs goes on.",
    )
    async def block_charge_token(self, info: Info, input: Input[ChargeTokenInput]) -> BlockChargeTokenPayload:
        return BlockChargeTokenPayload(token=await _done(info, input, charge_tokens.block_token))

    @mutation(
        UnblockChargeTokenPayload,
        UnblockChargeTokenError,
        ChargeTokenErrorCode,
        "Let a card that was blocked start charges again.",
    )
    async def unblock_charge_token(self, info: Info, input: Input[ChargeTokenInput]) -> UnblockChargeTokenPayload:
        return UnblockChargeTokenPayload(token=await _done(info, input, charge_tokens.unblock_token))

    @mutation(
        RemoveChargeTokenPayload,
        RemoveChargeTokenError,
        ChargeTokenErrorCode,
        "Take a card away from the driver's own; it starts nothing until somebody adds it.",
    )
    async def remove_charge_token(self, info: Info, input: Input[ChargeTokenInput]) -> RemoveChargeTokenPayload:
        return RemoveChargeTokenPayload(token=await _done(info, input, charge_tokens.remove_token))


Act = Callable[[Db, tables.ChargeToken], Awaitable[tables.ChargeToken]]


async def _done(info: Info, wanted: ChargeTokenInput, act: Act) -> ChargeToken:
    driver = info.context.driver
    async with transaction() as db:
        return token_of(await act(db, await charge_tokens.own_token(db, driver.id, key_of_token(wanted.token_id))))
