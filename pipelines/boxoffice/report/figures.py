"""What the report is about: its accounts, currencies and days, of one open connection to the published file.

The same file always gives the same numbers: time ends at ``data_until``, when the newest record reached us, and not at
the moment the report is made. Money is Decimal in major units; days are those of the accounts' reporting zones.
"""

import dataclasses
import datetime as dt
import functools
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import duckdb

from boxoffice.report import formatting
from boxoffice.report.performances import Performances
from boxoffice.warehouse.currencies import NO_CURRENCY
from boxoffice.warehouse.query import rows

RECENT_DAYS = 56
MAIN_SHARE = 0.1  # a currency of so many of the last year's orders has charts of its own; at most MAIN_CURRENCIES have
MAIN_CURRENCIES = 3
IS_CODE = "regexp_full_match(currency, '[A-Z]{3}')"  # what else a platform sends as a currency may be any text


@dataclasses.dataclass(frozen=True)
class Period:
    """Days from ``first`` to ``last``, both included."""

    first: dt.date
    last: dt.date

    def __str__(self) -> str:
        return formatting.span(self.first, self.last)

    def back(self, days: int) -> "Period":
        return Period(self.first - dt.timedelta(days), self.last - dt.timedelta(days))


class Figures:
    """The accounts, currencies and days of a report, of one open connection.

    ``today`` is the local day on which the data end: it is not over, so no period contains it. ``currency`` leaves out
    all others; ``since`` is where ``recent`` begins, eight weeks before its end if it is None.
    """

    def __init__(
        self, db: duckdb.DuckDBPyConnection, currency: str | None = None, since: dt.date | None = None
    ) -> None:
        self.db = db
        self.since = since
        info = rows(db, "select published_at, data_until from run_info")[0]
        self.published_at: dt.datetime = info.published_at
        # a clock that is ahead dates records in the future
        self.data_until: dt.datetime | None = info.data_until and min(info.data_until, info.published_at)
        self.accounts = rows(
            db,
            "select *, timezone(reporting_zone, history_from)::date as history_from_day from dim_accounts "
            "order by platform, account",
        )
        # the first local day that any account has anything of
        self.begins: dt.date | None = min(
            (account.history_from_day for account in self.accounts if account.history_from_day), default=None
        )
        of_platform = Counter(account.platform for account in self.accounts)
        self._names = {
            (account.platform, account.account): formatting.platform(account.platform)
            if of_platform[account.platform] == 1
            else f"{formatting.platform(account.platform)} · {account.account}"
            for account in self.accounts
        }
        newest = max(
            (account for account in self.accounts if account.last_record_at),
            key=lambda account: account.last_record_at,
            default=None,
        )
        self.zone = ZoneInfo(newest.reporting_zone if newest else "UTC")
        self.today: dt.date = (self.data_until or self.published_at).astimezone(self.zone).date()
        found = rows(
            db,
            "select currency, sum(orders) filter (sales_on >= $1 - 365) as lately from rpt_daily_sales "
            f"where {IS_CODE} group by currency order by currency = $2, sum(orders) desc, currency",
            self.today,
            NO_CURRENCY,
        )
        self.every_currency: list[str] = [row.currency for row in found]
        self.currencies = [one for one in self.every_currency if currency in (None, one)]
        of_all = sum(row.lately or 0 for row in found)
        large = [row.currency for row in found if (row.lately or 0) >= max(of_all * MAIN_SHARE, 1)]
        self.main = [one for one in self.currencies if one in large][:MAIN_CURRENCIES] or self.currencies[:1]
        self.small = [one for one in self.currencies if one not in self.main]

    @functools.cached_property
    def performances(self) -> Performances:
        """Performances over all accounts. Their tables are made at the first call: what reads them asks its ``db``."""
        return Performances(self.db, self.today)

    def name(self, row: Any) -> str:
        """The display name of an account: its platform, with its own name if the platform has several."""
        return self._names.get((row.platform, row.account), f"{formatting.platform(row.platform)} · {row.account}")

    @property
    def recent(self) -> Period:
        """The last eight weeks' complete days, or those since the day that was asked for."""
        last = self.today - dt.timedelta(1)
        return Period(min(self.since or self.today - dt.timedelta(RECENT_DAYS), last), last)
