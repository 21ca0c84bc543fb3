"""Everything that runs by itself, as two lists: EVERY so often, and WHENEVER something happened."""

from __future__ import annotations

from emsp import events, jobs
from emsp.accounts import forget, mail
from emsp.accounts import happened as driver_happened
from emsp.charging import happened, start, stop, watch
from emsp.charging.billing import collect, settle
from emsp.ocpi.happened import PartnerConnected
from emsp.ocpi.keep import apply
from emsp.ocpi.pull import sync
from emsp.ocpi.send import push_tokens
from emsp.payments import inbox
from emsp.pricing.retail import rates

EVERY: list[tuple[str, jobs.Job]] = [
    ("*/10 * * * *", sync.pull_all),
    ("*/10 * * * *", push_tokens.push_what_is_due),
    ("*/30 * * * *", watch.take_up_again),
    ("17 3 * * *", forget.forget_expired),
    ("30 15,18 * * 1-5", rates.fetch_rates),  # published about 16:00 CET, which is 15:00 UTC at the latest
]

WHENEVER: list[tuple[type[events.Event], jobs.Job]] = [
    (happened.ChargeRequested, start.secure_payment),
    (happened.PaymentSecured, start.send_start),
    (happened.StartFailed, start.release_hold),
    (happened.StartedLate, stop.send_stop),
    (happened.StopRequested, stop.send_stop),
    (happened.RecordReceived, settle.settle_charge),
    (happened.ReceiptIssued, collect.collect_payment),
    (inbox.ProcessorEventKept, inbox.understand),
    (mail.MailWritten, mail.send_mail),
    (PartnerConnected, sync.pull_connected),
    (PartnerConnected, push_tokens.partner_connected),
    (driver_happened.DriverChanged, push_tokens.driver_changed),
]

LATER: list[jobs.Job] = [
    start.doubt_start,
    start.give_up_start,
    apply.settle_inbox_cdr,
    sync.pull_partner,
    push_tokens.push,
]


def set_up() -> None:
    """Tell the jobs and the events of this process what follows what."""
    for cron, job in EVERY:
        jobs.register(job, every=cron)
    for event, job in WHENEVER:
        events.whenever(event, job)
    for job in LATER:
        jobs.register(job)
