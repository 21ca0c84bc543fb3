"""Webhooks: kept once, told to whoever wants to know, in whatever order they come."""

import pytest

from emsp import timetable
from emsp.db.engine import transaction
from emsp.payments import inbox
from emsp.payments.tables import ProcessorEvent


class Listener:
    """Notes what it is told, and fails as often as it is told to."""

    def __init__(self, fails: int = 0) -> None:
        self.fails = fails
        self.heard: list[str] = []

    async def __call__(self, processor_id: str) -> None:
        if self.fails:
            self.fails -= 1
            raise RuntimeError("not today")
        self.heard.append(processor_id)


@pytest.fixture
def listener() -> Listener:
    """Hears of `tea.made` and of all that is below `cake.`, of which it is told once however often it asked."""
    hears = Listener()
    for kind in ("tea.made", "cake.", "cake.eaten"):
        inbox.on(kind, hears)
    return hears


async def kept(kind: str) -> bool:
    body = '{"data": {"object": {"id": "thing_1"}}}'
    async with transaction() as db:
        return await inbox.keep(db, event_id="evt_1", kind=kind, body=body)


@pytest.mark.parametrize(("kind", "times"), [("tea.made", 1), ("cake.eaten", 1), ("tea.made.again", 0), ("cakes", 0)])
async def test_who_hears_of_what(database: str, listener: Listener, kind: str, times: int) -> None:
    timetable.set_up()
    await kept(kind)
    await inbox.understand("evt_1")
    assert listener.heard == ["thing_1"] * times


async def test_that_the_same_event_is_kept_and_told_once(database: str, listener: Listener) -> None:
    timetable.set_up()
    assert [await kept("tea.made") for _ in range(2)] == [True, False]
    for _ in range(2):
        await inbox.understand("evt_1")
    assert listener.heard == ["thing_1"]
    async with transaction() as db:
        assert (await db.get_one(ProcessorEvent, "evt_1")).handled_at is not None


async def test_that_what_could_not_be_handled_is_tried_again(database: str, listener: Listener) -> None:
    timetable.set_up()
    listener.fails = 1
    await kept("tea.made")
    with pytest.raises(RuntimeError):
        await inbox.understand("evt_1")
    async with transaction() as db:
        assert (await db.get_one(ProcessorEvent, "evt_1")).handled_at is None
    await inbox.understand("evt_1")
    assert listener.heard == ["thing_1"]


def test_that_everything_the_processor_tells_of_money_is_heard() -> None:
    timetable.set_up()
    for kind in (
        *(f"payment_intent.{what}" for what in ("succeeded", "canceled", "payment_failed", "processing")),
        *("payment_intent.requires_action", "payment_intent.amount_capturable_updated", "setup_intent.succeeded"),
        *("charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"),
        *("charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "charge.refund.updated"),
        *("refund.updated", "refund.failed", "payout.paid", "payout.failed"),
    ):
        assert inbox.handlers_of(kind), kind
    assert inbox.handlers_of("customer.created") == []
