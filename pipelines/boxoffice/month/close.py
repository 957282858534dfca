"""`boxoffice close`: freezes a month, lists what is closed, opens the newest closed month again.

A close writes what ``fct_journal`` has posted up to the month's last day into raw (``raw/closes.py``). From then on
these rows are the journal of the month, and what differs from them by later news is posted as an adjustment on the
first open day. Months close in order; the first close also freezes all that is before it.
"""

import calendar
import dataclasses
import datetime as dt
import json
import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from importlib.metadata import version
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb

from boxoffice.errors import ConfigProblem, Problem
from boxoffice.raw import closes
from boxoffice.raw.closes import Close
from boxoffice.report.formatting import money
from boxoffice.run import run
from boxoffice.settings import Settings
from boxoffice.warehouse.query import open_published

Echo = Callable[[str], None]
Account = tuple[str, str]


class Balance(NamedTuple):
    """What an account of the chart had before the month, what moved in it, and its end; debit positive."""

    platform: str
    account: str
    currency: str
    code: str | None
    account_name: str | None
    posting: str
    before: Decimal
    moved: Decimal
    after: Decimal


@dataclasses.dataclass
class Checked:
    """What a close of ``month`` would freeze.

    ``stops`` are the reasons why it cannot be closed, ``accepted`` those that were accepted, ``open_items`` what is
    listed and stops nothing: all are sentences. ``until`` says when the newest record of each account had been received
    (UTC).
    """

    month: str
    rows: int
    stops: list[str]
    accepted: list[str]
    open_items: list[str]
    balances: list[Balance]
    until: dict[str, str | None]


@dataclasses.dataclass
class Closed:
    """A month that was closed or reopened, with the run that published it; ``checked`` is None of a reopening."""

    result: run.RunResult
    close: Close | None = None
    checked: Checked | None = None


class Later(NamedTuple):
    """What has come to light of a month since it was closed: how many orders and events, and their debits."""

    month: str
    why: str
    currency: str
    items: int
    amount: Decimal


def check(
    settings: Settings,
    month: str,
    *,
    silent: Iterable[str] = (),
    accept: bool = False,
    now: dt.datetime | None = None,
) -> Checked:
    """What would be frozen, and what prevents it, by the published tables. Writes nothing.

    ``silent`` names accounts that are expected to have sent nothing; ``accept`` accepts suspense balances. Raises
    ConfigProblem if this month cannot be closed at all.
    """
    last = _last_day(month)
    with open_published(settings) as db:
        _refuse(db, month, last, closes.published(db), now or dt.datetime.now(dt.UTC))
        return _check(settings, db, month, last, set(silent), accept)


def close(
    settings: Settings,
    month: str,
    *,
    echo: Echo,
    silent: Iterable[str] = (),
    accept: bool = False,
    now: dt.datetime | None = None,
    **reading: Any,
) -> Closed:
    """Reads everything, checks, freezes, builds and publishes. ``now`` is the time at which it is closed (UTC);
    ``reading`` are further options of Reading, such as its clock.

    Raises ConfigProblem if this month cannot be closed at all, and Problem with what prevents it; nothing is closed
    then. A result that failed has closed nothing either, unless ``close`` is set.
    """
    now = now or dt.datetime.now(dt.UTC)
    last = _last_day(month)
    if settings.published.exists():
        with open_published(settings) as db:
            _refuse(db, month, last, closes.published(db), now)
    closed = Closed(run.run(settings, echo=echo, full=True, **reading))
    if closed.result.exit_code:
        return closed

    def decide() -> tuple[Close, str]:
        held = closes.held(settings)
        with open_published(settings) as db:
            _refuse(db, month, last, held, now)
            checked = closed.checked = _check(settings, db, month, last, set(silent), accept)
            if checked.stops:
                raise Problem("\n".join([f"{month} was not closed:", *(f"  {line}" for line in checked.stops)]))
            rows = f"({_frozen(last)})"
            echo(f"freezing {checked.rows:,} postings up to {last}")
            closed.close = _next(
                held,
                action=closes.CLOSED,
                month=month,
                done_at=now,
                rows=checked.rows,
                sha256=closes.seal(db, rows),
                published_until=json.dumps(checked.until),
                accepted=json.dumps(checked.accepted + checked.open_items),
            )
        return closed.close, rows

    closed.result = run.add_close(settings, "close", decide, echo=echo)
    return closed


def reopen(settings: Settings, month: str, because: str, *, echo: Echo, now: dt.datetime | None = None) -> Closed:
    """Opens the newest closed month again; that it was closed, and what was frozen, stays in raw.

    Raises ConfigProblem for any other month and where no reason is given.
    """
    _last_day(month)
    reopening: list[Close] = []

    def decide() -> tuple[Close, str]:
        held = closes.held(settings)
        months = [one.month for one in closes.in_force(held)]
        if not because.strip():
            raise ConfigProblem(f"Give the reason for reopening {month}: --because TEXT. Nothing was changed.")
        if month not in months[-1:]:
            newest = f"the newest closed month is {months[-1]}" if months else "no month is closed"
            raise ConfigProblem(f"{month} cannot be reopened: {newest}. Nothing was changed.")
        reopening.append(_next(held, action=closes.REOPENED, month=month, done_at=now, because=because.strip()))
        return reopening[0], closes.NO_LINES

    result = run.add_close(settings, "close", decide, echo=echo)
    return Closed(result, *reopening)


def later_news(db: duckdb.DuckDBPyConnection) -> list[Later]:
    """What has come to light since each month was closed, by month and why."""
    query = (
        "select strftime(origin_month, '%Y-%m'), why, currency, "
        "count(distinct coalesce(order_key, event_key, '')), coalesce(sum(amount) filter (amount > 0), 0) "
        "from rpt_adjustments group by all order by all"
    )
    return [Later(*row) for row in db.execute(query).fetchall()]


def moved_events(db: duckdb.DuckDBPyConnection) -> list[tuple[str, str, dt.date, dt.date | None]]:
    """Events that a close released and that have a later date now: name, id, when they were released, and that date."""
    return db.execute(
        "select event_name, event_id, min(origin_on), released_on from fct_journal join dim_events using (event_key) "
        "where state = 'closed' and rule = 'release' group by event_key, event_name, event_id, released_on "
        "having released_on is null or released_on > min(origin_on) order by all"
    ).fetchall()


def _next(held: list[Close], **values: Any) -> Close:
    number = max((one.number for one in held), default=0) + 1
    values["done_at"] = values["done_at"] or dt.datetime.now(dt.UTC)
    empty = {"because": None, "rows": 0, "sha256": None, "published_until": "{}", "accepted": "[]"}
    return Close(**{"number": number, "boxoffice": version("boxoffice")} | empty | values)


def _last_day(month: str) -> dt.date:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month.startswith("0000"):
        raise ConfigProblem(f"{month!r} is not a month. Write it as 2026-09. Nothing was closed.")
    year, number = map(int, month.split("-"))
    return dt.date(year, number, calendar.monthrange(year, number)[1])


def _ends(db: duckdb.DuckDBPyConnection, last: dt.date) -> dict[Account, dt.datetime]:
    """When a day is over in the time zone of each account (UTC)."""
    ends = {}
    for platform, account, zone in db.execute("select platform, account, time_zone from dim_accounts").fetchall():
        try:
            zoned = ZoneInfo(zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError):  # the models count its days in UTC then
            zoned = ZoneInfo("UTC")
        ends[platform, account] = dt.datetime.combine(last + dt.timedelta(1), dt.time(), zoned).astimezone(dt.UTC)
    return ends


def _refuse(db: duckdb.DuckDBPyConnection, month: str, last: dt.date, held: list[Close], now: dt.datetime) -> None:
    """Raises ConfigProblem where the month is not the one that can be closed next."""
    months = [one.month for one in closes.in_force(held)]
    if month in months:
        raise ConfigProblem(f"{month} is already closed. To list closed months: boxoffice close --list")
    if months and month < months[0]:
        raise ConfigProblem(f"{month} is part of what was frozen with {months[0]}: there is nothing to close.")
    if months:
        newest = _last_day(months[-1]) + dt.timedelta(1)
        if month != f"{newest:%Y-%m}":
            raise ConfigProblem(
                f"Months close in order: {months[-1]} is closed, so the next is {newest:%Y-%m}. Nothing was closed."
            )
    for (platform, account), end in sorted(_ends(db, last).items()):
        if now < end:
            raise ConfigProblem(
                f"{month} is not over: for {platform} {account} it ends {end:%Y-%m-%d %H:%M} UTC, and it is "
                f"{now.astimezone(dt.UTC):%Y-%m-%d %H:%M}. Nothing was closed."
            )
    if not db.execute("select 1 from fct_journal where posted_on <= $1 limit 1", [last]).fetchone():
        raise ConfigProblem(f"Nothing is posted up to {last}: there is nothing to close.")


def _frozen(last: dt.date) -> str:
    columns = ", ".join(f"cast({name} as varchar) as {name}" for name in closes.LINE)
    return f"select {columns} from marts.fct_journal where state <> 'closed' and posted_on <= date '{last}'"


def _check(
    settings: Settings, db: duckdb.DuckDBPyConnection, month: str, last: dt.date, silent: set[str], accept: bool
) -> Checked:
    first = last.replace(day=1)
    [(rows,)] = db.execute(f"select count(*) from ({_frozen(last)})").fetchall()
    stops, accepted = _silent_accounts(settings, db, month, last, silent)
    stops += _unfit_for_a_journal(db, last)
    (accepted if accept else stops).extend(_suspense(db, last))
    until = {
        f"{platform} {account}": at and at.astimezone(dt.UTC).isoformat()
        for platform, account, at in db.execute(
            "select platform, account, last_record_at from dim_accounts order by all"
        ).fetchall()
    }
    open_items = _open_items(db, first, last)
    if sentence := closes.moved_by_rules(db):
        open_items.insert(0, sentence)
    return Checked(month, rows, stops, accepted, open_items, _balances(db, first, last), until)


def _silent_accounts(
    settings: Settings, db: duckdb.DuckDBPyConnection, month: str, last: dt.date, silent: set[str]
) -> tuple[list[str], list[str]]:
    """Sites of which nothing has been received since the month's end, and those of them that are expected to be silent.

    A box office is read whole before a month is closed: where that succeeds, what it does not have did not happen.
    """
    stops, expected = [], []
    sites = {site.name for site in settings.sites}
    if unknown := silent - sites - {office.name for office in settings.box_offices}:
        raise ConfigProblem(f"--silent {min(unknown)}: no account has this name. Nothing was closed.")
    heard = dict(db.execute("select account, last_record_at from dim_accounts where platform = 'ticketor'").fetchall())
    ends = _ends(db, last)
    for name in sorted(sites):
        at, end = heard.get(name), ends.get(("ticketor", name))
        if end and at and at >= end:
            continue
        since = f"since {at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC" if at else "at all"
        sentence = f"ticketor {name} has sent nothing {since}: whether {month} is complete is not known."
        if name in silent:
            expected.append(f"{sentence} Expected (--silent).")
        else:
            stops.append(f"{sentence} If it sells nothing: --silent {name}")
    return stops, expected


def _unfit_for_a_journal(db: duckdb.DuckDBPyConnection, last: dt.date) -> list[str]:
    stops = [
        f"The journal of {platform} {account} does not balance on {day}: {amount} {currency}."
        for day, platform, account, currency, amount in db.execute(
            "select posted_on, platform, account, currency, sum(amount) from fct_journal "
            "where posted_on <= $1 and state <> 'closed' group by all having sum(amount) <> 0 order by all limit 10",
            [last],
        ).fetchall()
    ]
    stops += [
        f"{posting} of {platform} {account} has no account code ({count:,} postings). Add a row for it to "
        "seeds/chart_of_accounts.csv."
        for platform, account, posting, count in db.execute(
            "select platform, account, posting, count(*) from fct_journal where code is null and posted_on <= $1 "
            "and state <> 'closed' group by all order by all",
            [last],
        ).fetchall()
    ]
    return stops + [
        f"{posting} of {platform} {account} has an amount that is too large to be posted ({count:,} postings)."
        for platform, account, posting, count in db.execute(
            "select platform, account, posting, count(*) from fct_journal where amount is null and posted_on <= $1 "
            "group by all order by all",
            [last],
        ).fetchall()
    ]


def _suspense(db: duckdb.DuckDBPyConnection, last: dt.date) -> list[str]:
    """What was paid and belongs to no order, or to one in another currency."""
    meaning = {"no_order": "for orders that have not come", "other_currency": "for orders in another currency"}
    return [
        f"{platform} {account}: {money(abs(amount), currency)} was paid {meaning[posting]}. To close with it: --accept"
        for platform, account, currency, posting, amount in db.execute(
            "select platform, account, currency, posting, sum(amount) from fct_journal where posted_on <= $1 "
            "and posting in ('no_order', 'other_currency') group by all having sum(amount) <> 0 order by all",
            [last],
        ).fetchall()
    ]


# What is listed and stops nothing: a sentence, and the query of its counts. $first and $last are days of the month.
OPEN_ITEMS = {
    "records of the month that were refused: {}": (
        "select platform, account, count(*), null, null from refused_records "
        "where cast(refused_at as date) between $first and $last group by all"
    ),
    "orders that have not come, of which something else has: {}": (
        "select platform, account, count(distinct order_id), null, null from rpt_reconciliation "
        "where identity = 'order is here' and $first <= $last group by all"
    ),
    "orders whose payments are not known: {}": (
        "select platform, account, count(*), sum(total_amount), currency from fct_orders "
        "where booked_on between $first and $last and not payments_known group by all"
    ),
    "amounts that nothing on their order explains: {}": (
        "select platform, account, count(*), sum(amount), currency from fct_order_lines "
        "where booked_on between $first and $last and line_kind = 'unexplained' and amount <> 0 group by all"
    ),
    "events without a date, whose income stays deferred: {}": (
        "select platform, account, count(*), -sum(amount), currency from "
        "(select platform, account, event_key, currency, sum(amount) as amount from fct_journal "
        "where posting = 'unearned' and posted_on <= $last and $first <= $last "
        "and event_key in (select event_key from dim_events where released_on is null) group by all "
        "having sum(amount) <> 0) group by all"
    ),
    "unpaid orders that hold seats for performances that are over: {}": (
        "select platform, account, count(*), sum(balance_due), currency from fct_orders "
        "where not is_booked and balance_due > 0 and event_key in "
        "(select event_key from dim_events where starts_on between $first and $last) group by all"
    ),
    "cancelled orders that were paid, and not all was given back: {}": (
        "select platform, account, count(*), sum(paid_amount - refunded_amount - credit_issued_amount), currency "
        "from fct_orders where status = 'cancelled' and is_booked and booked_on between $first and $last "
        "and paid_amount > refunded_amount + credit_issued_amount group by all"
    ),
    "orders of which the platform's fee is not known: {}": (
        "select platform, account, count(*), null, null from fct_orders "
        "where booked_on between $first and $last and platform_fee_amount is null group by all"
    ),
}


def _open_items(db: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> list[str]:
    found = []
    for sentence, query in OPEN_ITEMS.items():
        for platform, account, count, amount, currency in db.execute(
            f"select * from ({query}) order by all", {"first": first, "last": last}
        ).fetchall():
            sum_of_them = f" ({money(amount, currency)})" if amount is not None else ""
            found.append(f"{platform} {account}: {sentence.format(f'{count:,}')}{sum_of_them}.")
    return found


def _balances(db: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> list[Balance]:
    return [
        Balance(*row)
        for row in db.execute(
            "select platform, account, currency, code, max(account_name), posting, "
            "coalesce(sum(amount) filter (posted_on < $first), 0), "
            "coalesce(sum(amount) filter (posted_on >= $first), 0), sum(amount) "
            "from fct_journal where posted_on <= $last group by all having count(*) filter (amount <> 0) > 0 "
            "order by platform, account, currency, code, posting",
            {"first": first, "last": last},
        ).fetchall()
    ]
