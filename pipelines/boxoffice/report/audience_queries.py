"""Who bought, who came, and who waits for a ticket, as numbers of the report."""

from typing import Any

from boxoffice.report.figures import Figures, Period
from boxoffice.warehouse.query import rows


def buyers(figures: Figures, period: Period) -> Any:
    """People who bought in a period: ``fresh`` for the first time that we know of, ``returning``, and booked orders
    that name no person."""
    return rows(
        figures.db,
        """
        with sales as (
            select person_key, ordered_on, min(ordered_on) over (partition by person_key) as first_on
            from fct_orders where is_booked and order_type = 'sale'
        )
        select
            count(distinct person_key) filter (first_on >= $1) as fresh,
            count(distinct person_key) filter (first_on < $1) as returning,
            count(*) filter (person_key is null) as unnamed
        from sales where ordered_on between $1 and $2
        """,
        period.first,
        period.last,
    )[0]


def attendance(figures: Figures, period: Period, limit: int = 8) -> list[Any]:
    """Performances given in a period, the last first: tickets that were valid, and how many of them were scanned.

    Only where scans are known and any ticket was scanned: a house that scans none knows nothing of who came.
    """
    return rows(
        figures.performances.db,
        """
        select halves.show_key, count(*) as tickets, count(tickets.scanned_at) as scanned
        from fct_tickets as tickets
        inner join halves on tickets.event_key = halves.event_key
        inner join dim_accounts as accounts
            on tickets.platform = accounts.platform and tickets.account = accounts.account
        where tickets.status = 'sold' and accounts.knows_scans and halves.starts_on between $1 and $2
        group by halves.show_key
        having count(tickets.scanned_at) > 0
        order by max(halves.starts_local) desc, halves.show_key
        limit $3
        """,
        period.first,
        period.last,
        limit,
    )


def waiting_lists(figures: Figures) -> list[Any]:
    """Coming performances with a waiting list, the next first: entries still listed (Ticket Tailor)."""
    return rows(
        figures.performances.db,
        """
        select halves.show_key, count(*) as signups
        from fct_waitlist_signups as signups
        inner join halves on signups.event_key = halves.event_key
        where halves.starts_on >= $1 and signups.missing_since is null
        group by halves.show_key
        order by min(halves.starts_on), halves.show_key
        """,
        figures.today,
    )
