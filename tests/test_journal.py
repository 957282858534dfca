"""The journal and the month's views of made-up venues: what has to hold whatever was sold. It is compared with the
venues' own books in test_worlds.py."""

from collections.abc import Iterator

import duckdb
import pytest

from tests.worlds import Worlds

ACCOUNT = "platform, account, currency"
LINES = """
    select *, coalesce(currency, 'XXX') as currency_or_none, coalesce(refund_of, line_kind) as kind,
        if(kind = 'tax', 0, coalesce(tax_by_rate, tax_amount, 0)) as inside
    from fct_order_lines where booked_on is not null
"""
# each query finds nothing
NEVER = {
    "a day, an account, a currency and a state balance": f"""
        select posted_on, state, {ACCOUNT} from fct_journal group by all having sum(amount) <> 0
    """,
    "no closed month, no adjustment": "from fct_journal where state <> 'open' or posted_on <> origin_on",
    "every posting has a code": "from fct_journal where code is null or account_name is null",
    "what was charged and given back is the receivable": f"""
        with posted as (
            select {ACCOUNT}, posted_on as day, sum(amount) filter (rule = 'charge') as charged,
                sum(amount) filter (rule in ('refund', 'credited')) as given_back
            from fct_journal where posting like 'receivable%' group by all
        )
        from posted join rpt_daily_sales as days on days.sales_on = day and days.platform = posted.platform
            and days.account = posted.account and days.currency = posted.currency
        where coalesce(charged, 0) <> charged_total or coalesce(given_back, 0) <> -refunds - credited
    """,
    "clearing is the receipts": f"""
        with posted as (
            select {ACCOUNT}, posted_on as day, sum(amount) as amount
            from fct_journal where posting = 'clearing' and rule = 'money' group by all
        )
        from rpt_daily_sales as days left join posted on days.sales_on = day and days.platform = posted.platform
            and days.account = posted.account and days.currency = posted.currency
        where receipts <> coalesce(amount, 0)
    """,
    "costs are the fees": f"""
        with posted as (
            select {ACCOUNT}, posted_on as day, sum(amount) as amount
            from fct_journal where rule = 'fee' and posting <> 'platform_fees_owed' group by all
        )
        from rpt_daily_sales as days left join posted on days.sales_on = day and days.platform = posted.platform
            and days.account = posted.account and days.currency = posted.currency
        where coalesce(platform_fees, 0) <> coalesce(amount, 0)
    """,
    "income and what is deferred are the sales without tax": f"""
        with posted as (
            select {ACCOUNT}, -sum(amount) as posted from fct_journal
            where posting in ('unearned', 'tickets', 'products', 'memberships', 'buyer_fees', 'discounts', 'delivery',
                'donations', 'unexplained')
            group by all
        ), sold as (
            select platform, account, currency_or_none as currency, sum(amount - inside) as sold from ({LINES})
            where kind not in ('tax', 'gift_card', 'tip') group by all
        )
        from posted full join sold using ({ACCOUNT}) where posted is distinct from sold
    """,
    "what buyers owe is balance_due": """
        with posted as (
            select order_key, count(distinct currency) as currencies, sum(amount) as amount
            from fct_journal where posting = 'receivable' group by all
        )
        from fct_orders left join posted using (order_key)
        where is_booked and order_type = 'sale' and balance_due is not null and coalesce(currencies, 1) = 1
            and balance_due <> coalesce(amount, 0)
    """,
    "a month begins with what the one before ended with": """
        with chained as (
            select *, lag(closing) over balance as before, lag(month) over balance as month_before
            from rpt_month_balances
            window balance as (partition by platform, account, currency, posting, code order by month)
        )
        from chained where closing <> opening + debits - credits
            or (opening is null) <> (closing is null) or (opening is null) <> (opening_basis = 'not known')
            or (month_before is not null and opening is distinct from before)
            or month <> month_before + interval 1 month
    """,
    "so does an event": """
        with chained as (
            select *, lag(closing, 1, 0) over balance as before from rpt_deferred
            window balance as (partition by event_key, currency order by month)
        )
        from chained where opening <> before or closing <> opening + sold - given_back - released
    """,
    "what is given is earned": """
        from rpt_deferred where released_on < month + interval 1 month and closing <> 0
    """,
    "events are the balance of what is deferred": f"""
        with events as (select month, {ACCOUNT}, sum(closing) as closing from rpt_deferred group by all),
        balances as (
            select month, {ACCOUNT}, -sum(closing) as balance from rpt_month_balances
            where posting = 'unearned' and opening_basis = 'history' group by all
        )
        from balances left join events using (month, {ACCOUNT}) where balance <> coalesce(closing, 0)
    """,
    "orders are what is owed in the journal": f"""
        with orders as (
            select month, {ACCOUNT}, sum(due) as due from rpt_receivables
            where kind in ('owed', 'overpaid') group by all
        ), months as (select distinct month, {ACCOUNT} from rpt_month_balances), posted as (
            select months.month, {ACCOUNT}, sum(amount) as owed
            from months join fct_journal as journal using ({ACCOUNT})
            where posting = 'receivable' and rule <> 'opening' and journal.month <= months.month group by all
        )
        from posted left join orders using (month, {ACCOUNT}) where owed <> coalesce(due, 0)
    """,
    "what cards hold is not known": "from rpt_stored_value where opening is not null or closing is not null",
    "cards and credit move as in the journal": f"""
        with posted as (
            select month, {ACCOUNT}, -sum(amount) as amount from fct_journal where posting = 'stored_value' group by all
        )
        from rpt_stored_value left join posted using (month, {ACCOUNT})
        where sold + issued - redeemed <> coalesce(amount, 0)
    """,
    "tax is the tax of the journal": f"""
        with reported as (select month, {ACCOUNT}, sum(tax - tax_given_back) as tax from rpt_tax group by all),
        posted as (
            select month, {ACCOUNT}, -sum(amount) as amount from fct_journal where posting = 'output_tax' group by all
        )
        from reported full join posted using (month, {ACCOUNT}) where coalesce(tax, 0) <> coalesce(amount, 0)
    """,
    "refunds are the refunds of the month": f"""
        with given as (
            select month, {ACCOUNT}, sum(refunds) as back, sum(credited) as credit from rpt_refunds group by all
        ), days as (
            select date_trunc('month', sales_on) as month, {ACCOUNT}, sum(refunds) as refunds, sum(credited) as credited
            from rpt_daily_sales group by all
        )
        from days left join given using (month, {ACCOUNT})
        where refunds <> coalesce(back, 0) or credited <> coalesce(credit, 0) or credited < 0
    """,
    "a fee that is not known is no row": "from fct_fees where platform = 'ticket_tailor' or amount is null",
    "fees are those of the orders": f"""
        with parts as (select {ACCOUNT}, sum(amount) as amount from fct_fees where part <> 'kept_back' group by all),
        days as (select {ACCOUNT}, sum(platform_fees) as fees from rpt_daily_sales group by all)
        from days full join parts using ({ACCOUNT}) where coalesce(amount, 0) <> coalesce(fees, 0)
    """,
}


@pytest.fixture(scope="module")
def db(worlds: Worlds) -> Iterator[duckdb.DuckDBPyConnection]:
    with worlds.open() as opened:
        yield opened


@pytest.mark.parametrize("claim", NEVER)
def test_the_month_adds_up(db: duckdb.DuckDBPyConnection, claim: str) -> None:
    assert db.execute(NEVER[claim]).fetchall() == []


def test_there_is_something_to_add_up(db: duckdb.DuckDBPyConnection) -> None:
    [(rules, postings)] = db.execute("select count(distinct rule), count(distinct posting) from fct_journal").fetchall()
    assert rules >= 8 and postings >= 18
    for view in ("rpt_month_balances", "rpt_deferred", "rpt_receivables", "rpt_stored_value", "rpt_tax", "rpt_refunds"):
        [(months,)] = db.execute(f"select count(distinct month) from {view}").fetchall()
        assert months > 1, view
    [(kinds,)] = db.execute("select count(distinct kind) from rpt_receivables").fetchall()
    assert kinds >= 4
