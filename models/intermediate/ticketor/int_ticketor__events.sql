-- Grain: one row per EventId, as in the newest ticket.
with ways as (
    select
        account,
        event_id,
        event_name,
        event_starts_at,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at
    from {{ distinct_deliveries('stg_ticketor__tickets', whole=true) }}
    where event_id is not null
    group by account, event_id, event_name, event_starts_at
),

newest as (
    select
        *,
        count(distinct event_starts_at) over event as dates_seen,
        min(first_received_at) over event as first_seen_at
    from ways
    window event as (partition by account, event_id)
    qualify
        row_number() over (
            partition by account, event_id
            order by last_received_at desc, event_starts_at desc nulls last, event_name desc nulls last
        ) = 1
),

-- an event has no currency of its own: that of most of its tickets
currencies as (
    select
        account,
        event_id,
        currency,
        count(*) as tickets
    from {{ ref('int_ticketor__tickets') }}
    where event_id is not null and currency is not null
    group by account, event_id, currency
    qualify row_number() over (partition by account, event_id order by count(*) desc, currency asc) = 1
)

select
    'ticketor' as platform,
    newest.account,
    newest.event_id,
    cast(null as varchar) as event_series_id,
    {{ name_without_date('newest.event_name', 'newest.event_starts_at') }} as event_name,
    newest.event_name as event_name_as_given,
    newest.event_starts_at as starts_at,
    cast(null as timestamptz) as ends_at,
    cast(null as varchar) as time_zone,
    cast(null as varchar) as status,
    cast(null as timestamptz) as missing_since,
    cast(null as varchar) as venue,
    cast(null as bigint) as capacity,
    cast(null as varchar) as capacity_basis,
    currencies.currency,
    cast(null as bigint) as platform_orders_count,
    cast(null as bigint) as platform_tickets_count,
    cast(null as decimal(18, 4)) as platform_revenue,
    newest.dates_seen,
    newest.first_seen_at
from newest
left join currencies
    on newest.account = currencies.account and newest.event_id = currencies.event_id
