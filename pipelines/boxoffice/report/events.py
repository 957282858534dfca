"""A page for one performance, over all accounts that sell it."""

import dataclasses
import re
import unicodedata
from decimal import Decimal
from typing import Any

from markupsafe import Markup, escape

from boxoffice.errors import Problem
from boxoffice.report import audience_queries, charts, coming, formatting, page, sales_queries
from boxoffice.report.figures import Figures
from boxoffice.report.page import Column
from boxoffice.report.performances import Performance
from boxoffice.warehouse.query import rows

_LISTED = 15  # names, where what was asked for is several


def find(figures: Figures, text: str) -> Performance:
    """The performance that ``text`` is the key, a platform's id or a part of the name of; of several with exactly that
    name the next one. Raises Problem for none, and for several with different names."""
    found = figures.performances.matching(text)
    exactly = [one for one in found if _is(one, text)] or found
    names = {formatting.event_name(one.name, 200) for one in exactly}
    if len(names) == 1:
        return exactly[0]
    if not found:
        every = 'boxoffice sql "select event_id, event_name, starts_on from dim_events"'
        raise Problem(f"There is no event “{text}”. All of them: {every}")
    listed = "".join(f"\n  {name}" for name in sorted(names)[:_LISTED])
    more = f"\n  and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    raise Problem(f"“{text}” is a part of several names. Give more of one, or an event’s id:{listed}{more}")


def _is(one: Performance, text: str) -> bool:
    ids = {one.show_key, *(half.event_id for half in one.halves), *(half.event_key for half in one.halves)}
    return text in ids or formatting.event_name(one.name, 200).lower() == text.lower()


def links(figures: Figures) -> dict[str, str]:
    """The file of each performance that the overview names: those to come, and those that sold or were given lately."""
    named = {one.show_key: one for one in figures.performances.coming}
    lately = [row for currency in figures.main for row in sales_queries.best_sellers(figures, currency, figures.recent)]
    lately += audience_queries.attendance(figures, figures.recent)
    keys = [row.show_key for row in lately]
    named |= figures.performances.named([key for key in keys if key not in named])
    return {key: f"events/{file_name(one)}" for key, one in named.items()}


def file_name(one: Performance) -> str:
    """A name for its page that stays the same, in plain letters."""
    letters = unicodedata.normalize("NFKD", formatting.event_name(one.name)).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")[:40]
    return "-".join(part for part in (str(one.starts_on or ""), slug, one.show_key[:8]) if part) + ".html"


def document(figures: Figures, one: Performance, home: str = "") -> str:
    """The whole page; ``home`` is the address of the overview, if there is one."""
    name = formatting.event_name(one.name, 200)
    when = formatting.day(one.starts_on, weekday=True)
    facts = [when, one.starts_local and f"{one.starts_local:%H:%M}", one.venue, one.production, one.season]
    data_until = formatting.moment(figures.data_until, figures.zone) if figures.data_until else "no data yet"
    header = [
        page.paragraph(page.tag("a", "← All events", href=home)) if home else "",
        page.tag("h1", page.name(name)),
        page.paragraph(" · ".join(fact for fact in facts if fact)),
        page.paragraph(f"Data until {data_until} ({figures.zone.key})."),
    ]
    keys = [half.event_key for half in one.halves]
    parts = [
        ("tickets", "Tickets", _tickets(figures, one, keys)),
        ("pace", "How it sells", _pace(figures, one)),
        ("sales", "Sales", _sales(figures, keys)),
        ("prices", "Prices", _prices(figures, keys)),
        ("people", "Who bought, and who came", _people(figures, keys)),
    ]
    body = page.lines(page.section(*part) for part in parts if part[2])
    footer = page.paragraph(
        f"Published {formatting.moment(figures.published_at, figures.zone)} ({figures.zone.key}). Made by Boxoffice."
    )
    return page.document(f"{name}, {when}", page.lines(header), body, footer)


def _tickets(figures: Figures, one: Performance, keys: list[str]) -> Markup:
    """How full it is, by account and in all."""
    found = {
        row.event_key: row
        for row in rows(
            figures.db,
            "select event_key, sum(tickets_sold)::bigint as sold, sum(comps)::bigint as comps, "
            "sum(tickets_returned)::bigint as returned, sum(tickets_reserved)::bigint as reserved "
            "from rpt_event_sales where event_key in (select unnest(?::varchar[])) group by all",
            keys,
        )
    }
    measures = ("sold", "comps", "returned", "reserved")
    lines: list[list[str]] = [
        [
            escape(figures.name(half)) + page.small(half.event_id),
            *(formatting.count(getattr(found.get(half.event_key), name, 0)) for name in measures),
            coming.of(half.in_the_house, half.capacity),
        ]
        for half in one.halves
    ]
    if len(lines) > 1:
        sums = [sum(getattr(row, name) for row in found.values()) for name in measures]
        lines.append([page.bold("Together"), *map(formatting.count, sums), coming.of(one.in_the_house, one.capacity)])
    columns = [Column("", number=False), *map(Column, ("Sold", "Comps", "Given back", "Reserved", "In the house"))]
    full = page.bold(coming.of(one.in_the_house, one.capacity)) + " in the house"
    facts = [full + (f" ({formatting.percent(one.in_the_house / one.capacity)})" if one.capacity else "")]
    if one.target:
        facts.append(escape(f"{formatting.percent(one.in_the_house / one.target)} of the target, {one.target:,}"))
    if one.days_left is None or one.days_left >= 0:
        facts.append(escape(f"{formatting.count(one.last_week)} in the last 7 days"))
    if one.days_left is not None:
        left = f"{formatting.plural(one.days_left, 'day')} left" if one.days_left >= 0 else "it is over"
        facts.append(escape(left))
    lead = page.paragraph(Markup(", ").join(facts) + ".", "lead")
    return lead + page.table(page.bold("Tickets") + " so far", columns, lines)


def _pace(figures: Figures, one: Performance) -> Markup:
    if one.starts_on is None or not figures.performances.curve(one.show_key):
        return Markup("")
    [curve], days = coming.draw(figures, [one])
    single = dataclasses.replace(curve, title="")
    title = f"Tickets in the house, by days left, from {days} days before"
    drawing = charts.both_widths(
        lambda width: charts.curves(width, [single], days, 240), "curve", f"{title}: {one.in_the_house:,} by now."
    )
    before = ""
    note = "Nothing like it was given before, so there is nothing to compare it with."
    if one.pace:
        how_many = formatting.plural(len(one.pace.references), "performance")
        before = f"{one.pace.basis}, the median of {how_many}"
        then = "at its end" if curve.days_left < 0 else "as many days before, up to yesterday"
        note = f"{before.capitalize()}: {one.pace.usual:,.0f} {then}; this one: {formatting.count(one.pace.now)}."
    return page.figure(title, drawing, coming.legend([single], before), note)


def _sales(figures: Figures, keys: list[str]) -> Markup:
    """By week and currency, the newest first, with what was given back."""
    since = figures.since or figures.begins or figures.today
    found = rows(
        figures.db,
        """
        select
            date_trunc('week', sales_on)::date as monday, currency, sum(tickets_sold)::bigint as tickets,
            sum(comps)::bigint as comps, sum(gross_sales) as gross_sales, sum(refunds) as refunds,
            bool_or(sales_on >= date_trunc('week', $3::date)::date) as is_this_week
        from rpt_daily_event_sales
        where event_key in (select unnest($1::varchar[])) and sales_on >= $2
            and ($4::varchar is null or currency = $4)
        group by all order by monday desc, currency
        """,
        keys,
        since,
        figures.today,
        figures.currencies[0] if len(figures.currencies) == 1 else None,
    )
    if not found:
        return page.paragraph("Nothing was sold.")
    lines = [
        [
            escape(formatting.day(row.monday)) + (page.small("not over") if row.is_this_week else ""),
            formatting.count(row.tickets),
            formatting.count(row.comps),
            formatting.money(row.gross_sales, row.currency),
            formatting.money(row.refunds, row.currency) if row.refunds else "–",
        ]
        for row in found
    ]
    columns = (
        Column("Week of", number=False),
        *map(Column, ("Tickets sold", "Comps", "Sales", "Refunds")),
    )
    totals: dict[str, list[Decimal]] = {}
    for row in found:
        total = totals.setdefault(row.currency, [Decimal(0), Decimal(0)])
        total[0] += row.gross_sales
        total[1] += row.refunds
    lead = "; ".join(
        f"{formatting.money(gross, currency)}, of which {formatting.money(refunds, currency)} refunded"
        for currency, (gross, refunds) in totals.items()
    )
    return page.paragraph(lead + ".", "lead") + page.table(page.bold("Sales by week"), columns, lines)


def _prices(figures: Figures, keys: list[str]) -> Markup:
    """Kinds of tickets by their list price, with what was paid for those that are valid."""
    found: list[Any] = rows(
        figures.db,
        """
        select
            coalesce(ticket_type, section, 'Without a name') as kind, currency, list_price,
            count(*) filter (status = 'sold') as tickets,
            count(*) filter (status = 'sold' and admission_kind = 'comp') as comps,
            count(*) filter (status <> 'sold') as returned,
            avg(price) filter (status = 'sold' and admission_kind <> 'comp') as paid
        from fct_tickets
        where event_key in (select unnest(?::varchar[])) and status <> 'reserved'
        group by all order by tickets desc, kind, list_price, currency
        """,
        keys,
    )
    if not found:
        return Markup("")
    lines = [
        [
            page.name(formatting.event_name(row.kind)) + page.small(formatting.money(row.list_price, row.currency)),
            formatting.count(row.tickets),
            formatting.count(row.comps) if row.comps else "–",
            formatting.average(row.paid, row.currency),
            formatting.count(row.returned) if row.returned else "–",
        ]
        for row in found
    ]
    columns = (
        Column("Ticket, list price", number=False),
        *map(Column, ("Valid", "Comps", "Paid on average", "Not valid any more")),
    )
    return page.table(page.bold("Tickets by kind and price"), columns, lines)


def _people(figures: Figures, keys: list[str]) -> Markup:
    [found] = rows(
        figures.db,
        """
        with firsts as (
            select person_key, min(ordered_on) as first_on from fct_orders
            where is_booked and order_type = 'sale' and person_key is not null group by all
        ),
        buyers as (
            select person_key, min(sold_on) as bought_on from fct_tickets
            where event_key in (select unnest($1::varchar[])) and status = 'sold' and person_key is not null
            group by all
        )
        select count(*) as buyers, count(*) filter (first_on < bought_on) as returning
        from buyers left join firsts on buyers.person_key = firsts.person_key
        """,
        keys,
    )
    [came] = rows(
        figures.db,
        "select count(*) as tickets, count(scanned_at) as scanned from fct_tickets as tickets "
        "inner join dim_accounts as accounts "
        "on tickets.platform = accounts.platform and tickets.account = accounts.account "
        "where event_key in (select unnest(?::varchar[])) and status = 'sold' and knows_scans",
        keys,
    )
    parts = []
    if found.buyers:
        fresh = found.buyers - found.returning
        parts.append(
            page.paragraph(
                f"{formatting.plural(found.buyers, 'buyer')}: {formatting.count(fresh)} for the first time we know of, "
                f"{formatting.count(found.returning)} had bought before."
            )
        )
    if came.scanned:
        share = formatting.percent((came.tickets - came.scanned) / came.tickets)
        parts.append(
            page.paragraph(
                f"{formatting.count(came.scanned)} of {formatting.plural(came.tickets, 'ticket')} were scanned; "
                f"{share} did not come, as far as scans are reported."
            )
        )
    return page.lines(parts)
