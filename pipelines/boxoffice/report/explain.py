"""`boxoffice explain`: one order as text, on one screen, from the published tables."""

import textwrap
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from boxoffice.errors import Problem
from boxoffice.report import formatting
from boxoffice.settings import Settings
from boxoffice.warehouse import set_aside
from boxoffice.warehouse.query import open_published, rows

WIDTH = 100
_LINE_KINDS = {"buyer_fee": "fee", "gift_card": "gift card"}
_GIVEN_BACK = ("refund", "credited")
_BASES = {
    "first_seen": "the day is when we saw it",
    "before_first_load": "there when we first met the order; its real day is not known",
}
_PAYMENTS = {
    "capture": "came in",
    "refund": "went back",
    "authorisation": "authorised only, nothing moved",
    "void": "voided, nothing moved",
    "failed": "failed, nothing moved",
    "credit_issued": "given as credit, which is no money",
    "credit_redeemed": "paid by credit, which is no money",
}
_RETURNS = ("return", "refund", "void")


def explain(settings: Settings, order: str) -> str:
    """What the published tables know of one order: its lines, payments, changes, and what does not add up.

    ``order`` is the platform's id of the order, our order_key, or ``platform/account/id`` where two accounts use the
    same id. Names and addresses are left out: the screen may be shown around. Times are on the account's clock.
    Raises Problem when no order has it, and, with the candidates, when several do.
    """
    with open_published(settings) as db:
        found = _find(db, order.strip())
        return "\n".join(_text(db, found)) + "\n"


def _find(db: duckdb.DuckDBPyConnection, wanted: str) -> Any:
    found = rows(
        db,
        "select orders.*, accounts.reporting_zone from fct_orders as orders "
        "inner join dim_accounts as accounts using (platform, account) "
        "where $1 in (order_key, order_id, platform || '/' || account || '/' || order_id) "
        "order by platform, account",
        wanted,
    )
    if len(found) == 1:
        return found[0]
    if found:
        each = "\n".join(
            f"  boxoffice explain {row.platform}/{row.account}/{row.order_id}"
            f"    {formatting.day(row.ordered_on)}, {formatting.money(row.total_amount, row.currency)}"
            for row in found
        )
        raise Problem(f"{len(found)} orders have the id {wanted}. Give one of:\n{each}")
    waiting = rows(
        db, "select in_words from rpt_reconciliation where order_id = ? and identity = 'order is here'", wanted
    )
    if waiting:
        raise Problem(f"Order {wanted}: {waiting[0].in_words}")
    if reason := set_aside.reason(db, wanted):
        raise Problem(
            f"Order {wanted} is set aside: a check of our own models names it, and it is in no other table. It comes "
            f"back with the first run in which the check passes. {reason}"
        )
    near = rows(
        db,
        "select platform, account, order_id from fct_orders where jaro_winkler_similarity(order_id, $1) > 0.8 "
        "order by jaro_winkler_similarity(order_id, $1) desc, ordered_at desc nulls last, order_id limit 3",
        wanted,
    )
    like = "".join(f"\n  {row.platform}/{row.account}/{row.order_id}" for row in near)
    raise Problem(
        f"No order has the id or key {wanted!r}."
        + (f" The closest:{like}" if like else " Give the platform's own id of the order, or fct_orders.order_key.")
    )


def _text(db: duckdb.DuckDBPyConnection, order: Any) -> Iterable[str]:
    zone = ZoneInfo(order.reporting_zone)
    yield f"Order {order.order_id} · {formatting.platform(order.platform)} · {order.account}"
    yield ""
    yield from _paragraph(_summary(order, zone))
    yield from _paragraph(_money(order))
    yield from _others(db, order)
    yield from _section("What it is made of", _lines(db, order, zone))
    yield from _section("Tickets", _tickets(db, order, zone))
    yield from _section("Money that moved", _payments(db, order, zone))
    yield from _section("What changed since we first saw it", _changes(db, order, zone))
    yield from _section("What does not add up", _findings(db, order))
    yield ""
    yield f"order_key {order.order_key}   times in {order.reporting_zone}"


def _summary(order: Any, zone: ZoneInfo) -> str:
    kind = {"sale": "sale"}.get(order.order_type, order.order_type)
    channel = {"online": ", online", "staff": ", by staff"}.get(order.channel, "")
    sentences = [f"A {order.status.replace('_', ' ')} {kind} of {formatting.moment(order.ordered_at, zone)}{channel}."]
    sentences.append(f"We first saw it on {formatting.moment(order.first_seen_at, zone)}.")
    if order.order_type in _RETURNS:
        pass
    elif order.is_booked:
        sentences.append("It counts as sold.")
    elif order.status == "cancelled":
        sentences.append("It was cancelled before anything was paid: it is in no report.")
    else:
        sentences.append(
            "It does not count as sold, since nothing was paid: its tickets are reserved, and it is in no report."
        )
    return " ".join(sentences)


def _money(order: Any) -> str:
    def say(amount: Decimal | None) -> str:
        return formatting.money(amount, order.currency)

    is_return = order.order_type in _RETURNS
    sentences = [
        f"It {'gives back' if is_return else 'cost'} {say(-order.total_amount if is_return else order.total_amount)}."
    ]
    if order.total_as_given is not None and abs(order.total_as_given) != abs(order.total_amount):
        sentences.append(f"The platform now gives its total as {say(order.total_as_given)}.")
    if not order.payments_known:
        sentences.append("What was paid is not known: no payment of it was delivered.")
        return " ".join(sentences)
    for amount, verb in (
        (order.paid_amount, "was paid"),
        (order.credit_redeemed_amount, "was paid by credit"),
        (order.refunded_amount, "went back"),
        (order.credit_issued_amount, "was given back as credit"),
    ):
        if amount:
            sentences.append(f"{say(amount)} {verb}.")
    if order.balance_due and not is_return:
        due = order.balance_due
        sentences.append(f"{say(due)} is still owed." if due > 0 else f"{say(-due)} was paid too much.")
    elif order.balance_due:
        sentences.append(
            f"{say(abs(order.balance_due))} {'is still to be given back' if order.balance_due < 0 else 'too much'}."
        )
    fee = order.platform_fee_amount
    sentences.append("The platform reports no fee." if fee is None else f"The platform's fee is {say(fee)}.")
    if order.promotion_code:
        sentences.append(f"Promotion code {order.promotion_code}.")
    return " ".join(sentences)


def _others(db: duckdb.DuckDBPyConnection, order: Any) -> Iterable[str]:
    """Orders that it refers to, or that refer to it."""
    others = rows(
        db,
        "select order_id, order_type, ordered_on, total_amount, currency, order_key = $2 as is_named from fct_orders "
        "where related_order_key = $1 or order_key = $2 order by ordered_at, order_id",
        order.order_key,
        order.related_order_key,
    )
    for other in others:
        relation = "It refers to" if other.is_named else "To it refers"
        yield (
            f"{relation} order {other.order_id}: a {other.order_type} of {formatting.day(other.ordered_on)}, "
            f"{formatting.money(other.total_amount, other.currency)}."
        )


def _lines(db: duckdb.DuckDBPyConnection, order: Any, zone: ZoneInfo) -> Iterable[str]:
    found = rows(
        db,
        """
        select
            lines.*, events.event_name, events.starts_on, tickets.ticket_type, products.product_name
        from fct_order_lines as lines
        left join dim_events as events on lines.event_key = events.event_key
        left join fct_tickets as tickets on lines.ticket_key = tickets.ticket_key
        left join fct_product_sales as sales on lines.product_sale_key = sales.product_sale_key
        left join dim_products as products on sales.product_key = products.product_key
        where lines.order_key = ?
        order by lines.refund_of is not null, lines.line_kind = 'unexplained', lines.booked_at nulls last,
            lines.line_kind, lines.line_id
        """,
        order.order_key,
    )
    for line in found:
        about = [
            formatting.event_name(line.event_name, 40) if line.event_key else "",
            line.ticket_type,
            line.product_name,
        ]
        if line.line_id.startswith("exchange"):
            about.insert(0, "what the tickets given up were worth")
        if line.line_kind in _GIVEN_BACK:
            about = [f"of {_kind(line.refund_of)}", *about]
            about.append(
                formatting.moment(line.booked_at, zone) if line.date_basis == "platform" else _BASES[line.date_basis]
            )
        yield _row(_kind(line.line_kind), formatting.amount(line.amount, line.currency), ", ".join(filter(None, about)))
    if found:
        charged = [line for line in found if line.line_kind not in _GIVEN_BACK]
        counts_all = order.order_type in _RETURNS or len(charged) == len(found)
        total = sum((line.amount for line in (found if counts_all else charged)), Decimal(0))
        note = "" if counts_all else "without what was given back"
        if total != order.total_amount:
            note = f"and not the total of {formatting.money(order.total_amount, order.currency)}"
        yield _row("together", formatting.amount(total, order.currency), " ".join(filter(None, [order.currency, note])))


def _tickets(db: duckdb.DuckDBPyConnection, order: Any, zone: ZoneInfo) -> Iterable[str]:
    for ticket in rows(
        db,
        "select tickets.*, events.event_name, events.starts_on from fct_tickets as tickets "
        "left join dim_events as events on tickets.event_key = events.event_key "
        "where tickets.order_key = ? order by events.starts_at, section, seat_row, seat, ticket_id",
        order.order_key,
    ):
        place = ", ".join(
            f"{name} {value}"
            for name, value in (("section", ticket.section), ("row", ticket.seat_row), ("seat", ticket.seat))
            if value
        )
        about = [
            f"{formatting.event_name(ticket.event_name, 40)}, {formatting.day(ticket.starts_on)}",
            ticket.ticket_type,
            place,
            "" if ticket.admission_kind == "paid" else ticket.admission_kind.replace("_", " "),
            f"scanned {formatting.moment(ticket.scanned_at, zone)}" if ticket.scanned_at else "",
        ]
        yield _row(ticket.status, formatting.amount(ticket.price, ticket.currency), "; ".join(filter(None, about)))


def _payments(db: duckdb.DuckDBPyConnection, order: Any, zone: ZoneInfo) -> Iterable[str]:
    found = rows(
        db, "select * from fct_payments where order_key = ? order by paid_at nulls last, payment_id", order.order_key
    )
    for payment in found:
        when = formatting.moment(payment.paid_at, zone)
        about = [
            _PAYMENTS.get(payment.kind, payment.kind),
            payment.method,
            _BASES.get(payment.paid_at_basis, ""),
            f"in {payment.currency}" if payment.currency != order.currency else "",
        ]
        amount = payment.amount or payment.credit_amount or payment.amount_as_given
        yield _row(when, formatting.amount(amount, payment.currency), ", ".join(filter(None, about)))
    if not found:
        yield "  none known"


def _changes(db: duckdb.DuckDBPyConnection, order: Any, zone: ZoneInfo) -> Iterable[str]:
    for change in rows(
        db,
        "select what, before, after, first_seen_at, count(*) as times from fct_order_changes where order_key = ? "
        "group by all order by first_seen_at, what, before, after",
        order.order_key,
    ):
        times = f" ({change.times} times)" if change.times > 1 else ""
        before, after = change.before or "nothing", change.after or "nothing"
        yield f"  {formatting.moment(change.first_seen_at, zone):<20}{change.what}: {before} → {after}{times}"


def _findings(db: duckdb.DuckDBPyConnection, order: Any) -> Iterable[str]:
    found = rows(
        db,
        "select identity, in_words from rpt_reconciliation where order_key = ? order by identity, in_words",
        order.order_key,
    )
    for finding in found:
        yield from _paragraph(f"{finding.identity}: {finding.in_words}", "  ")
    if not found:
        yield "  nothing: every identity we check holds"


def _section(title: str, lines: Iterable[str]) -> Iterable[str]:
    lines = list(lines)
    if lines:
        yield ""
        yield title
        yield from lines


def _paragraph(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)


def _row(name: str, amount: str, about: str) -> str:
    return f"  {name:<20}{amount:>12}  {about}".rstrip()


def _kind(name: str) -> str:
    return _LINE_KINDS.get(name, name)
