"""What the published tables hold about the quality of their own data: findings, refusals, unknown currencies."""

from collections.abc import Sequence
from typing import Any

from boxoffice.report.figures import IS_CODE, Figures
from boxoffice.warehouse.query import rows


def findings(figures: Figures) -> list[Any]:
    """What does not reconcile, by identity and currency: how many, at stake, and the message of the largest one."""
    return rows(
        figures.db,
        """
        select
            platform, identity, currency, count(*) as how_many,
            sum(abs(difference)) filter (where currency is not null) as at_stake,
            arg_max(coalesce('Order ' || order_id || ': ', '') || in_words, abs(coalesce(difference, 0)))
                as gravest
        from rpt_reconciliation
        group by all
        order by at_stake desc nulls last, how_many desc, identity, platform
        """,
    )


def orders(figures: Figures) -> int:
    """How many orders there are in all."""
    return rows(figures.db, "select count(*) as how_many from fct_orders")[0].how_many


def orders_in_doubt(figures: Figures) -> int:
    """How many of them fail an identity."""
    return rows(
        figures.db,
        "select count(distinct order_key) as how_many from rpt_reconciliation inner join fct_orders using (order_key)",
    )[0].how_many


def refused(figures: Figures) -> list[Any]:
    """Records that were refused, by account and reason, the newest first."""
    return rows(
        figures.db,
        "select platform, account, reason, count(*) as how_many, max(refused_at) as newest, "
        "max_by(file, refused_at) as file from refused_records group by all "
        "order by newest desc, platform, account, reason",
    )


def refused_lately(figures: Figures) -> int:
    """How many records of the last two weeks were refused and have not been delivered whole since."""
    [found] = rows(
        figures.db,
        "select count(*) as how_many from refused_records where refused_at > $1::timestamptz - interval 14 day",
        figures.published_at,
    )
    return found.how_many


def unknown_currencies(figures: Figures, limit: int = 20) -> list[Any]:
    """Sales over all time by each text that is no currency code, those of most orders first, and how many there are
    beyond ``limit``."""
    return rows(
        figures.db,
        "select currency, sum(gross_sales) as gross_sales, sum(refunds) as refunds, "
        "sum(tickets_sold)::bigint as tickets_sold, count(*) over () as how_many "
        f"from rpt_daily_sales where not {IS_CODE} group by currency order by sum(orders) desc, currency limit ?",
        limit,
    )


def meanings(figures: Figures, names: Sequence[str]) -> dict[str, str]:
    """What the columns of the daily report mean, as the file itself says it."""
    found = rows(
        figures.db,
        "select column_name, comment from duckdb_columns() where schema_name = 'marts' "
        "and table_name = 'rpt_daily_sales' and comment is not null",
    )
    comments = {row.column_name: row.comment for row in found}
    return {name: comments[name] for name in names if name in comments}
