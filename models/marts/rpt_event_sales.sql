-- One row per event and currency, and one per account and currency for what belongs to no event.
with by_day as (
    select * from {{ ref('int_daily_event_sales') }}
),

events as (
    select * from {{ ref('dim_events') }}
),

reserved as (
    select
        platform,
        account,
        event_key,
        coalesce(currency, 'XXX') as currency,
        count(*) as tickets_reserved
    from {{ ref('fct_tickets') }}
    where status = 'reserved'
    group by all
),

-- an event of which nothing is sold is still an answer to "which events sell badly"
unsold as (
    select
        events.platform,
        events.account,
        events.event_key,
        coalesce(events.currency, 'XXX') as currency
    from events
    anti join by_day on events.event_key = by_day.event_key
    anti join reserved on events.event_key = reserved.event_key
),

together as (
    select * from by_day
    union all by name
    select * from reserved
    union all by name
    select * from unsold
),

summed as (
    select
        platform,
        account,
        event_key,
        currency,
        {{ summed_measures() }},
        cast(coalesce(sum(tickets_reserved), 0) as bigint) as tickets_reserved,
        min(sales_on) as first_day,
        max(sales_on) as last_day
    from together
    group by all
)

select
    {{ key(['summed.platform', 'summed.account', "coalesce(summed.event_key, '')", 'summed.currency']) }}
        as event_sales_key,
    summed.platform,
    summed.account,
    summed.event_key,
    events.event_id,
    events.event_name,
    events.show_key,
    events.production,
    events.season,
    events.starts_at,
    events.starts_on,
    summed.currency,
    {{ measures('summed', 'accounts') }},
    summed.tickets_reserved,
    events.capacity,
    case
        when events.capacity > 0
            then {{ ratio('summed.tickets_sold + summed.comps - summed.tickets_returned', 'events.capacity') }}
    end as sell_through,
    summed.first_day,
    summed.last_day
from summed
left join {{ ref('dim_accounts') }} as accounts
    on summed.platform = accounts.platform and summed.account = accounts.account
left join events on summed.event_key = events.event_key
