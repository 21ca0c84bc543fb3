"""Everything that runs by itself: EVERY so often, WHENEVER something happened, and TOLD by the card processor."""

from __future__ import annotations

from emsp import events, jobs
from emsp.accounts import forget, mail
from emsp.accounts import happened as driver_happened
from emsp.charging import evidence, happened, start, stop
from emsp.charging.billing import collect, raising, settle
from emsp.charging.dues import dunning
from emsp.charging.elsewhere import look_again
from emsp.charging.elsewhere import secure as foreign_payment
from emsp.charging.experience import in_use, starts
from emsp.charging.paper import hand_out as papers
from emsp.charging.reconcile import run as comparison
from emsp.charging.reservations import follow as reserving
from emsp.charging.reservations.happened import ReservationGivenUp, ReservationRequested
from emsp.charging.settlement import accruals
from emsp.charging.watching import ask, watch
from emsp.fleets import closing, invoices, sending
from emsp.fleets.happened import InvoiceIssued
from emsp.ocpi.happened import PartnerConnected
from emsp.ocpi.keep import apply
from emsp.ocpi.pull import sync
from emsp.ocpi.send import push_tokens
from emsp.payments import (
    auto_top_up,
    balance,
    cards,
    charge,
    debits,
    disputes,
    hold,
    inbox,
    mandates,
    movements,
    refund,
    top_up,
    wallet_pay_back,
)
from emsp.pricing.retail import rates
from emsp.stations import log
from emsp.stations.happened import StationsReported
from emsp.stations.history import delays, fold
from emsp.stations.twins import match as twins

EVERY: list[tuple[str, jobs.Job]] = [
    ("*/10 * * * *", sync.pull_all),
    ("*/10 * * * *", push_tokens.push_what_is_due),
    ("*/30 * * * *", watch.take_up_again),
    ("* * * * *", ask.ask_about_the_silent),
    ("41 1,13 * * *", accruals.close_month),
    ("*/10 * * * *", look_again.look_again),
    ("*/5 * * * *", reserving.tend_reservations),
    ("* * * * * */15", in_use.follow_charges),
    ("*/15 * * * *", starts.doubt_what_cannot_be),
    ("27 3,9,15,21 * * *", starts.learn),
    ("17 2 * * *", fold.fold),
    ("13,43 * * * *", delays.measure_delays),
    ("*/5 * * * *", dunning.retry_due),
    ("*/10 * * * *", hold.look_for_lapsed),
    ("*/10 * * * *", top_up.take_up_again),
    ("*/30 * * * *", wallet_pay_back.take_up_again),
    ("7 * * * *", closing.close_finished_months),  # each fleet has a time zone, so each hour is the end of some month
    ("37 * * * *", sending.take_up_again),
    ("23 6 * * *", invoices.remind),
    ("41 5 * * *", debits.ask_again),
    ("11 * * * *", log.prune),
    ("*/15 * * * *", movements.pull),
    ("17 3 * * *", forget.forget_expired),
    ("47 4 * * *", comparison.reconcile_daily),
    ("13 2 * * *", twins.match_all),
    ("30 15,18 * * 1-5", rates.fetch_rates),  # published about 16:00 CET, which is 15:00 UTC at the latest
]

WHENEVER: list[tuple[type[events.Event], jobs.Job]] = [
    (happened.ChargeRequested, start.secure_payment),
    (happened.PaymentSecured, start.send_start),
    (happened.StartFailed, start.release_hold),
    (happened.StartedLate, stop.send_stop),
    (happened.StopRequested, stop.send_stop),
    (happened.RecordReceived, settle.settle_charge),
    (happened.CostGrew, raising.raise_hold),
    (happened.ReceiptIssued, collect.collect_payment),
    (happened.ReceiptIssued, papers.prepare),
    (charge.ChargePaid, collect.charge_paid),
    (refund.RefundChanged, collect.refund_changed),
    (hold.HoldLapsed, raising.hold_lapsed),
    (balance.BalanceFell, auto_top_up.refill),
    (balance.BalanceGrew, dunning.pay_from_balance),
    (refund.RefundChanged, wallet_pay_back.refund_changed),
    (cards.CardRemoved, cards.forget_card),
    (InvoiceIssued, sending.send_invoice),
    (InvoiceIssued, invoices.collect_invoice),
    (debits.DebitChanged, invoices.debit_changed),
    (inbox.ProcessorEventKept, inbox.understand),
    (disputes.DisputeChanged, evidence.note_dispute),
    (mail.MailWritten, mail.send_mail),
    (PartnerConnected, sync.pull_connected),
    (PartnerConnected, push_tokens.partner_connected),
    (driver_happened.DriverChanged, push_tokens.driver_changed),
    (driver_happened.ChargeTokenChanged, push_tokens.charge_token_changed),
    (ReservationRequested, reserving.send_reservation),
    (ReservationGivenUp, reserving.send_cancel),
    (StationsReported, twins.match_reported),
]

LATER: list[jobs.Job] = [
    start.doubt_start,
    start.give_up_start,
    foreign_payment.secure_late,
    reserving.doubt_reservation,
    reserving.expire_reservation,
    collect.collect_payment,
    papers.hand_out,
    dunning.retry_charge,
    ask.ask_party,
    apply.settle_inbox_cdr,
    sync.pull_partner,
    push_tokens.push,
    closing.close_month,
    invoices.remind_of,
    debits.collect,
    debits.look_up,
]

BACKGROUND: frozenset[jobs.Job] = frozenset(
    {
        sync.pull_all,
        sync.pull_partner,
        accruals.close_month,
        starts.learn,
        starts.doubt_what_cannot_be,
        fold.fold,
        delays.measure_delays,
        closing.close_finished_months,
        closing.close_month,
        log.prune,
        movements.pull,
        forget.forget_expired,
        comparison.reconcile_daily,
        twins.match_all,
        twins.match_reported,
        rates.fetch_rates,
    }
)
"""What nobody waits for with a cable in the hand: it has places of its own and never takes those of charges."""

TOLD: list[tuple[str, inbox.Handler]] = [
    ("setup_intent.succeeded", cards.setup_succeeded),
    ("setup_intent.", mandates.setup_changed),
    ("payment_intent.", hold.intent_changed),
    ("payment_intent.", charge.intent_changed),
    ("payment_intent.", top_up.intent_changed),
    ("payment_intent.", debits.intent_changed),
    ("refund.", refund.repayment_changed),
    ("charge.refund.updated", refund.repayment_changed),
    ("charge.dispute.", disputes.dispute_changed),
    ("payout.", movements.payout_changed),
]


def set_up() -> None:
    """Tell the jobs and the events of this process what follows what."""
    for cron, job in EVERY:
        jobs.register(job, every=cron, queue=_queue(job))
    for event, job in WHENEVER:
        jobs.register(job, queue=_queue(job))
        events.whenever(event, job)
    for job in LATER:
        jobs.register(job, queue=_queue(job))
    for kind, handler in TOLD:
        inbox.on(kind, handler)


def _queue(job: jobs.Job) -> str:
    return jobs.BACKGROUND if job in BACKGROUND else jobs.DRIVERS
