"""The sheets that a bookkeeper closes a month with, and what is known of it at all. Read by `boxoffice export`."""

import dataclasses
import datetime as dt

import duckdb

from boxoffice.report.formatting import count, money, platform


@dataclasses.dataclass(frozen=True)
class Sheet:
    """A sheet, or a CSV file of the same name. ``query`` has ``$1`` and ``$2``: the month's first and last day.

    ``is_plain``: its headings are the names of its columns in plain letters. ``if_any``: it is left out without rows.
    """

    name: str
    says: str
    query: str
    is_plain: bool = False
    if_any: bool = False

    def heading(self, column: str) -> str:
        if self.is_plain:
            return column.replace("_", " ").capitalize()
        return f"{column} (UTC)" if column.endswith("_at") else column


def _totalled(name: str, says: str, query: str, order: str, sums: str, by: str = "currency") -> Sheet:
    """A sheet with one row of totals for each currency below: what is not known of one row is not known of them."""
    totals = ", ".join(
        f"case when count({sum_}) = count(*) then sum({sum_}) end as {sum_}" for sum_ in sums.split(", ")
    )
    return Sheet(
        name,
        says,
        f"with found as ({query}) select * exclude (place, number) from ("
        f"select 0 as place, row_number() over (order by {order}) as number, * from found union all by name "
        f"select 1 as place, row_number() over (order by {by}) as number, 'Total' as platform, {by}, {totals} "
        f"from found where currency is not null group by {by}) order by place, number",
        is_plain=True,
    )


SHEETS = (
    _totalled(
        "Balances",
        "What each account of the chart began and ended the month with; debit positive, credit negative.",
        "select platform, account, currency, balances.code, names.account_name as name, posting as balance_of, "
        "opening, debits, credits, closing, adjustments as of_which_adjustments, "
        "opening_basis as opening_known_from, state "
        "from rpt_month_balances as balances left join (select code, min(account_name) as account_name "
        "from fct_journal group by code) as names on balances.code = names.code where month between $1 and $2",
        "platform, account, currency, code, balance_of",
        "opening, debits, credits, closing, of_which_adjustments",
    ),
    _totalled(
        "Deferred",
        "Sold for performances still to come, without tax, and what of it was earned in the month. As far "
        "as the data go back.",
        "select platform, account, event_name, event_id, starts_on as performance, released_on as earned_on, currency, "
        "opening, sold, given_back, released as earned, closing, is_called_off as called_off "
        "from rpt_deferred where month between $1 and $2",
        "earned_on nulls last, event_name, platform, account, event_id, currency",
        "opening, sold, given_back, earned, closing",
    ),
    _totalled(
        "Receivables",
        "Orders that were open as the month ended, with their age in days. Refunds due and seats held are as they are "
        "now and in no balance.",
        "select platform, account, kind, currency, due, since, days, bucket as age, order_id, event_name "
        "from rpt_receivables left join (select event_key, event_name from dim_events) using (event_key) "
        "where month between $1 and $2",
        "kind, since, platform, account, order_id, currency",
        "due",
        "kind, currency",
    ),
    _totalled(
        "Stored value",
        "Gift cards and credit: sold, given instead of money, and spent. Their balance only where a person gave it.",
        "select platform, account, currency, opening, sold, issued as given_as_credit, redeemed as spent, closing, "
        "opening_basis as opening_known_from from rpt_stored_value where month between $1 and $2",
        "platform, account, currency",
        "opening, sold, given_as_credit, spent, closing",
    ),
    _totalled(
        "Tax",
        "Tax on what was sold and on what was given back in the month, whenever the performance is.",
        "select platform, account, currency, tax_rate as rate_in_per_cent, basis, tax_code, taxable, tax, "
        "taxable_given_back, tax_given_back, orders_not_known as orders_whose_tax_is_not_known "
        "from rpt_tax where month between $1 and $2",
        "platform, account, currency, basis, rate_in_per_cent, tax_code",
        "taxable, tax, taxable_given_back, tax_given_back",
    ),
    _totalled(
        "Refunds",
        "What was given back in the month, by the month in which it had been sold.",
        "select platform, account, month_sold, event_name, event_id, date_basis as day_known_from, currency, refunds, "
        "credited as given_as_credit from rpt_refunds where month between $1 and $2",
        "month_sold, platform, account, event_name, event_id, day_known_from, currency",
        "refunds, given_as_credit",
    ),
    _totalled(
        "Fees",
        "What the platforms charge for the month's orders, by part; an empty amount is not reported. Kept back is what "
        "they took from payments towards them, and no cost of its own.",
        "select accounts.platform, accounts.account, fees.part, fees.currency, sum(fees.amount) as amount "
        "from dim_accounts as accounts left join (from fct_fees where booked_on between $1 and $2) as fees "
        "on accounts.platform = fees.platform and accounts.account = fees.account "
        "where fees.part is not null or not accounts.knows_fees group by all",
        "platform, account, currency, part",
        "amount",
        "part, currency",
    ),
)

_UNLESS_GIVEN = "unless seeds/opening_balances.csv says it"
# what each platform reports of what a close needs
_KNOWN = {
    "Gift cards and credit not spent": {
        "ticketor": "Not reported, nor which card paid for what: their movements alone, " + _UNLESS_GIVEN + ".",
        "ticket_tailor": "Not reported: their movements alone, " + _UNLESS_GIVEN + ".",
    },
    "What was before": {
        "ticketor": "Nothing is reported from before the webhooks: balances are not known, " + _UNLESS_GIVEN + ".",
        "ticket_tailor": "Known: orders are read from the first one on.",
    },
    "Day of a refund": {
        "ticketor": "The payment's own date. A later edit of it is not reported.",
        "ticket_tailor": "When it was first seen; those from before the first load are on the day of their order.",
    },
    "Refunds made at the payment processor": {
        "ticketor": "Not reported.",
        "ticket_tailor": "Not reported: where they are made there, refunds are too low.",
    },
    "Refunds promised, performances called off": {
        "ticketor": "Not reported. A performance is called off in seeds/shows.csv.",
        "ticket_tailor": "Not reported: cancelled is not refunded. A performance is called off in seeds/shows.csv.",
    },
    "Tax": {
        "ticketor": "An amount for the order; no rate, and not whether prices include it. Rates: seeds/tax_rates.csv.",
        "ticket_tailor": "An amount, and whether prices include it; no rate. Rates: seeds/tax_rates.csv.",
    },
    "The platform's own fees": {
        "ticketor": "Reported for each order, in five parts.",
        "ticket_tailor": "Not reported: book its invoice by hand.",
    },
    "The payment processor's id": {
        "ticketor": "Not reported: its payouts are compared by day and method.",
        "ticket_tailor": "Reported for each order; its refunds have the same one.",
    },
    "Day of a performance": {
        "ticketor": "As the newest tickets say: a change is known with the next one. seeds/shows.csv corrects it.",
        "ticket_tailor": "Read in each run. seeds/shows.csv corrects it.",
    },
    "Memberships and passes": {
        "ticketor": "No term is reported: earned on the day of the sale.",
        "ticket_tailor": "No term is reported: earned on the day of the sale.",
    },
}

_TO_LOOK_AT = """
    select 'Charged, and no payment is known' as what, platform, account, count(*) as how_many, sum(due) as amount,
        currency
    from rpt_receivables where month = $1 and kind = 'not known' group by all
    union all
    select 'Returns whose money has not gone back', platform, account, count(*), sum(due), currency
    from rpt_receivables where month = $1 and kind = 'refund due' group by all
    union all
    select 'Seats held for performances that are over', receivables.platform, receivables.account, count(*), sum(due),
        receivables.currency
    from rpt_receivables as receivables join dim_events as events on receivables.event_key = events.event_key
    where month = $1 and kind = 'held' and events.starts_on <= $2 group by all
    union all
    select case posting when 'unexplained' then 'In suspense: what the platform''s own numbers leave open'
            when 'no_order' then 'In suspense: payments whose order has not come'
            else 'In suspense: payments in another currency than their order' end,
        platform, account, count(*), sum(amount), currency
    from fct_journal
    where month = $1 and posting in ('unexplained', 'no_order', 'other_currency') group by all
    union all
    select if(is_called_off, 'Performances called off: due to their buyers', 'Sold for events without a date'),
        platform, account, count(*), sum(closing), currency
    from rpt_deferred where month = $1 and released_on is null and event_key is not null and closing <> 0 group by all
    union all
    select 'Orders whose fees are not known', orders.platform, orders.account, count(*), null, null
    from fct_orders as orders join dim_accounts as accounts using (platform, account)
    where booked_on between $1 and $2 and platform_fee_amount is null and accounts.knows_fees group by all
    union all
    select 'Postings without an account of the chart: ' || posting, platform, account, count(*), null, null
    from fct_journal where month = $1 and code is null group by all
    union all
    select 'Records refused and not delivered whole since', platform, account, count(*), null, null
    from refused_records where refused_on between $1 and $2 group by all
    union all
    select 'Orders set aside, of any month', platform, account, count(*), null, null from orders_set_aside group by all
"""


def read_first(db: duckdb.DuckDBPyConnection, first: dt.date, last: dt.date) -> list[tuple[str, str, str]]:
    """The first sheet: (what, account or platform, how it is). Whether each account's month is complete, what needs
    attention, and what each platform reports at all."""
    rows, platforms = [], set()
    for name, account, zone, newest in db.execute(
        "select platform, account, reporting_zone, timezone(reporting_zone, last_record_at) from dim_accounts "
        "order by platform, account"
    ).fetchall():
        platforms.add(name)
        if newest is None:
            says = "No: nothing has come from it yet."
        elif newest.date() > last:
            says = f"Yes: its newest record is of {newest:%Y-%m-%d %H:%M} ({zone})."
        else:
            says = (
                f"Not sure: its newest record is of {newest:%Y-%m-%d %H:%M} ({zone}), and the month ends with {last}. "
                "What came later is missing. How fresh each account is: boxoffice status"
            )
        rows.append((f"Is {first:%B %Y} complete?", f"{platform(name)} {account}", says))
    rows += [
        (what, f"{platform(name)} {account}", count(how_many) + (f": {money(amount, currency)}" if currency else ""))
        for what, name, account, how_many, amount, currency in db.execute(
            f"from ({_TO_LOOK_AT}) order by all", [first, last]
        ).fetchall()
    ]
    rows += [
        (what, platform(name), known[name])
        for what, known in _KNOWN.items()
        for name in sorted(platforms & known.keys())
    ]
    return rows
