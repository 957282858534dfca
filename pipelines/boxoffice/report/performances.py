"""Performances, one over both platforms: how full they are, and whether they sell as well as those before them.

Tickets, whatever the currency. A performance is what ``dim_events.show_key`` makes one; its halves are the events by
which the accounts sell it. *In the house* are tickets sold and comps, less what was given back.
"""

import dataclasses
import datetime as dt
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb

from boxoffice.warehouse.query import rows

UNSOLD_DAYS = 28  # a coming performance of which nothing is sold is listed when it is so near
NEW_RUN_DAYS = 60  # performances of a production that are so far apart are two runs of it
LISTED = 100  # coming performances
USUAL_OF = 3  # so many performances are needed before anything is usual
TOO_FEW = 5  # tickets: below that, ahead and behind are chance
BASES = {1: "previous run", 2: "this run so far", 3: "usual here"}

# Temporary tables, so that what a performance is has one place. Ticketor writes the date behind an event's name.
_TABLES = """
create or replace temp table halves as
with sold as (
    select event_key, sum(tickets_sold + comps - tickets_returned)::bigint as in_the_house, max(last_day) as last_day
    from rpt_event_sales where event_key is not null group by all
)
select
    events.show_key, events.event_key, events.platform, events.account, events.event_id, events.production,
    events.season, events.venue, events.starts_on, events.starts_local, events.capacity, events.capacity_basis,
    events.target, events.missing_since is not null as is_missing, events.is_called_off,
    trim(regexp_replace(
        events.event_name, '\\s+-\\s+\\w+day\\s+\\w+\\s+\\d{1,2},\\s+\\d{4}(\\s+at\\s+\\S+\\s*[AP]M)?\\s*$', ''
    )) as name,
    coalesce(sold.in_the_house, 0) as in_the_house, sold.last_day,
    timezone(accounts.reporting_zone, accounts.history_from)::date as known_from
from dim_events as events
left join sold on events.event_key = sold.event_key
left join dim_accounts as accounts on events.platform = accounts.platform and events.account = accounts.account;

create or replace temp table performances as
with together as (
    select
        show_key, arg_min(name, concat_ws(' ', platform, account, event_id)) as name, min(production) as production,
        min(season) as season, min(venue) as venue, min(starts_on) as starts_on, min(starts_local) as starts_local,
        case
            when bool_or(capacity_basis = 'shows seed') then max(capacity) filter (capacity_basis = 'shows seed')
            when count(capacity) = count(*) then sum(capacity)::bigint
        end as capacity,
        max(target) as target, sum(in_the_house)::bigint as in_the_house, max(last_day) as last_day,
        bool_and(is_missing) as is_missing, bool_or(is_called_off) as is_called_off, max(known_from) as known_from,
        list(distinct concat_ws(' ', platform, account) order by concat_ws(' ', platform, account)) as sellers,
        coalesce(min(production), lower(arg_min(name, concat_ws(' ', platform, account, event_id)))) as production_key
    from halves group by show_key
),
gaps as (
    select *, coalesce(starts_on - lag(starts_on) over of_production > $new_run, false)::int as begins
    from together window of_production as (partition by production_key order by starts_on, show_key)
)
select * exclude (begins), sum(begins) over (partition by production_key order by starts_on, show_key) as run
from gaps;

create or replace temp table movements as
select
    show_key, days_left, min(sales_on) as sales_on, sum(tickets_sold + comps - tickets_returned)::bigint as tickets
from rpt_sales_curve group by show_key, days_left
"""


class Pace(NamedTuple):
    """Tickets in the house at the end of yesterday, and what others had so many days before: the median of
    ``references``, which are those of the ``basis``."""

    basis: str
    now: int
    usual: float
    references: list[str]

    @property
    def verdict(self) -> str:
        """ahead, behind or level: more or less by a tenth and by three tickets; empty while there are too few."""
        more = self.now - self.usual
        if max(self.now, self.usual) < TOO_FEW:
            return ""
        return "level" if abs(more) < max(3.0, self.usual / 10) else "ahead" if more > 0 else "behind"


@dataclasses.dataclass(frozen=True)
class Performance:
    """``days_left`` None where no date is known, negative once it is over; ``last_week`` the last seven whole days."""

    show_key: str
    name: str | None
    production: str | None
    season: str | None
    venue: str | None
    starts_on: dt.date | None
    starts_local: dt.datetime | None
    days_left: int | None
    capacity: int | None
    target: int | None
    in_the_house: int
    last_week: int
    halves: tuple[Any, ...] = ()
    pace: Pace | None = None

    @property
    def is_full(self) -> bool:
        return bool(self.capacity) and self.in_the_house >= self.capacity


class Performances:
    """Everything that is asked of performances, of one open connection; ``today`` is the day that is not over."""

    def __init__(self, db: duckdb.DuckDBPyConnection, today: dt.date) -> None:
        self.db, self.today = db, today
        for statement in _TABLES.replace("$new_run", str(NEW_RUN_DAYS)).split(";\n"):
            db.execute(statement)

    @functools.cached_property
    def coming(self) -> list[Performance]:
        """The next performances, a hundred at most, that have sold anything or are near; undated ones last."""
        return self._found(
            "not is_missing and not is_called_off and ("
            "starts_on >= $1 and (in_the_house > 0 or starts_on < $1 + $2::int) "
            "or starts_on is null and in_the_house > 0 and last_day >= $1 - $2::int) "
            "order by starts_on nulls last, starts_local, show_key limit $3",
            UNSOLD_DAYS,
            LISTED,
        )

    @functools.cached_property
    def called_off(self) -> list[Performance]:
        """Performances of the last and the next months that are not given, and of which tickets are still out."""
        return self._found(
            "is_called_off and in_the_house > 0 and (starts_on is null or abs(starts_on - $1) <= 90) "
            "order by starts_on, show_key"
        )

    def not_listed(self) -> int:
        """How many coming performances there are beside those of ``coming``."""
        found = rows(
            self.db,
            "select count(*) as how_many from performances where starts_on >= ? and not is_missing "
            "and not is_called_off",
            self.today,
        )
        return found[0].how_many - sum(one.starts_on is not None for one in self.coming)

    def named(self, show_keys: Sequence[str]) -> dict[str, Performance]:
        """Performances by their key."""
        found = self._found("show_key in (select unnest($2::varchar[])) and $1 is not null", list(show_keys))
        return {one.show_key: one for one in found}

    def matching(self, text: str) -> list[Performance]:
        """Those that ``text`` is the key, a platform's id or a part of the name of, the next first, then the last."""
        return self._found(
            "show_key = $2 or show_key in (select show_key from halves where event_id = $2 or event_key = $2) "
            "or contains(lower(name), lower($2)) or contains(lower(production), lower($2)) "
            "order by starts_on < $1, abs(starts_on - $1), show_key limit 50",
            text,
        )

    def curve(self, show_key: str) -> list[tuple[int, int]]:
        """(days left, tickets in the house), from the first sale on."""
        return [
            (row.days_left, row.in_the_house)
            for row in rows(
                self.db,
                "select days_left, (sum(tickets) over (order by days_left desc))::bigint as in_the_house "
                "from movements where show_key = ? order by days_left desc",
                show_key,
            )
        ]

    def median_curve(self, show_keys: Sequence[str], days: int) -> list[tuple[int, float]]:
        """(days left, median of these performances' tickets) from ``days`` before to 0."""
        found = rows(
            self.db,
            """
            with of_these as (select unnest($1::varchar[]) as show_key),
            grid as (select show_key, unnest(range(0, $2::bigint + 1)) as days_left from of_these),
            counted as (
                select grid.show_key, grid.days_left, coalesce(sum(movements.tickets), 0) as in_the_house
                from grid
                left join movements
                    on grid.show_key = movements.show_key and movements.days_left >= grid.days_left
                group by all
            )
            select days_left, median(in_the_house) as in_the_house from counted group by all order by days_left desc
            """,
            list(show_keys),
            days,
        )
        return [(row.days_left, float(row.in_the_house)) for row in found]

    def _found(self, condition: str, *values: Any) -> list[Performance]:
        found = rows(self.db, f"select * from performances where {condition}", self.today, *values)
        keys = [row.show_key for row in found]
        last_week = {
            row.show_key: row.tickets
            for row in rows(
                self.db,
                "select show_key, sum(tickets)::bigint as tickets from movements "
                "where show_key in (select unnest($2::varchar[])) and sales_on between $1 - 7 and $1 - 1 group by all",
                self.today,
                keys,
            )
        }
        halves: dict[str, list[Any]] = {}
        for half in rows(
            self.db,
            "select * from halves where show_key in (select unnest(?::varchar[])) order by platform, account, event_id",
            keys,
        ):
            halves.setdefault(half.show_key, []).append(half)
        paces = self._paces(keys)
        return [
            Performance(
                **{name: getattr(row, name) for name in _TAKEN},
                days_left=(row.starts_on - self.today).days if row.starts_on else None,
                last_week=last_week.get(row.show_key, 0),
                halves=tuple(halves[row.show_key]),
                pace=paces.get(row.show_key),
            )
            for row in found
        ]

    def _paces(self, show_keys: Sequence[str]) -> dict[str, Pace]:
        """What was usual so many days before, as of yesterday, for today is not over; of a performance that is over, at
        its end. Only performances whose sales can be known from then on are compared with."""
        found = rows(
            self.db,
            """
            with wanted as (
                select *, greatest(starts_on - $1::date + 1, 0)::int as days_left from performances
                where show_key in (select unnest($2::varchar[])) and starts_on is not null
            ),
            pairs as (
                select
                    wanted.show_key, wanted.days_left, past.show_key as reference,
                    case
                        when past.production_key = wanted.production_key and past.run = wanted.run - 1 then 1
                        when past.production_key = wanted.production_key and past.run = wanted.run then 2
                        when past.sellers = wanted.sellers and past.starts_on >= wanted.starts_on - 365 then 3
                    end as basis
                from wanted
                inner join performances as past
                    on past.starts_on < least(wanted.starts_on, $1::date)
                    and past.in_the_house > 0 and not past.is_called_off
                    and past.known_from < past.starts_on - wanted.days_left
            ),
            by_basis as (
                select show_key, days_left, basis, list(reference order by reference) as keys
                from pairs where basis is not null
                group by all
                having basis < 3 or count(*) >= $3
            ),
            references_of as (
                select * from by_basis qualify basis = min(basis) over (partition by show_key)
            ),
            each as (select show_key, days_left, basis, keys, unnest(keys) as reference from references_of),
            then_in_the_house as (
                select
                    each.show_key, each.basis, each.keys, each.reference,
                    coalesce(sum(movements.tickets), 0) as tickets
                from each
                left join movements
                    on each.reference = movements.show_key and movements.days_left >= each.days_left
                group by all
            ),
            now_in_the_house as (
                select wanted.show_key, coalesce(sum(movements.tickets), 0)::bigint as tickets
                from wanted
                left join movements
                    on wanted.show_key = movements.show_key and movements.days_left >= wanted.days_left
                group by all
            )
            select then_in_the_house.show_key, basis, keys, median(then_in_the_house.tickets) as usual,
                any_value(now_in_the_house.tickets) as now
            from then_in_the_house
            inner join now_in_the_house on then_in_the_house.show_key = now_in_the_house.show_key
            group by all
            """,
            self.today,
            list(show_keys),
            USUAL_OF,
        )
        return {row.show_key: Pace(BASES[row.basis], row.now, float(row.usual), row.keys) for row in found}


_TAKEN = (
    "show_key", "name", "production", "season", "venue", "starts_on", "starts_local", "capacity", "target",
    "in_the_house",
)  # fmt: skip
