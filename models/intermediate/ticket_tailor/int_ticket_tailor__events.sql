-- Grain: one row per event, in the unified shape.
with capacities as (

    select
        account,
        event_id,
        -- unknown when any ticket type has no limit
        case
            when count(coalesce(quantity_total, quantity)) = count(*) then sum(coalesce(quantity_total, quantity))
        end as tickets
    from {{ ref('stg_ticket_tailor__event_ticket_types') }}
    group by account, event_id

),

in_orders as (

    select
        account,
        event_id,
        arg_max(event_series_id, row(created_at, order_id)) as event_series_id,
        arg_max(event_name, row(created_at, order_id)) as event_name,
        arg_max(event_starts_at, row(created_at, order_id)) as starts_at,
        arg_max(event_ends_at, row(created_at, order_id)) as ends_at,
        arg_max(venue, row(created_at, order_id)) as venue,
        arg_max(currency, row(created_at, order_id)) as currency,
        min(first_seen_at) as first_seen_at
    from {{ ref('int_ticket_tailor__order_heads') }}
    where event_id is not null
    group by account, event_id

),

in_tickets as (

    select
        account,
        event_id,
        min(first_seen_at) as first_seen_at
    from {{ ref('int_ticket_tailor__ticket_heads') }}
    where event_id is not null
    group by account, event_id

),

listed as (

    select
        events.*,
        row_number() over (
            partition by events.account, events.event_id
            order by events.fetched_at desc, events.version_id desc
        ) as version_rank
    from {{ tt_versions('stg_ticket_tailor__events', 'event_id', ref('stg_ticket_tailor__events')) }} as events

),

starts as (

    select
        account,
        event_id,
        count(distinct starts_at) as dates_seen
    from (
        select
            account,
            event_id,
            starts_at
        from listed
        where version_rank = 1
        union all
        select
            account,
            event_id,
            event_starts_at as starts_at
        from {{ ref('int_ticket_tailor__order_heads') }}
    ) as seen
    where event_id is not null
    group by account, event_id

),

-- also events that were deleted before the first load: orders and tickets still name them
ids as (

    select
        account,
        event_id
    from listed
    union
    select
        account,
        event_id
    from in_orders
    union
    select
        account,
        event_id
    from in_tickets

),

events as (

    select
        ids.account,
        ids.event_id,
        coalesce(listed.event_series_id, in_orders.event_series_id) as event_series_id,
        coalesce(listed.event_name, in_orders.event_name) as event_name,
        coalesce(listed.starts_at, in_orders.starts_at) as starts_at,
        coalesce(listed.ends_at, in_orders.ends_at) as ends_at,
        listed.time_zone,
        listed.status,
        listed.missing_since,
        coalesce(listed.venue, in_orders.venue) as venue,
        case
            when listed.max_tickets > 0 then least(listed.max_tickets, coalesce(capacities.tickets, listed.max_tickets))
            else capacities.tickets
        end as capacity,
        case
            when listed.max_tickets > 0 and listed.max_tickets <= coalesce(capacities.tickets, listed.max_tickets)
                then 'limit of the event'
            when capacities.tickets is not null then 'sum of ticket types'
        end as capacity_basis,
        coalesce(listed.currency, in_orders.currency) as currency,
        listed.iso_multiplier,
        listed.total_orders,
        listed.total_issued_tickets,
        listed.revenue,
        coalesce(starts.dates_seen, 0) as dates_seen,
        least(listed.fetched_at, in_orders.first_seen_at, in_tickets.first_seen_at) as first_seen_at
    from ids
    left join listed
        on ids.account = listed.account and ids.event_id = listed.event_id and listed.version_rank = 1
    left join in_orders on ids.account = in_orders.account and ids.event_id = in_orders.event_id
    left join in_tickets on ids.account = in_tickets.account and ids.event_id = in_tickets.event_id
    left join capacities on ids.account = capacities.account and ids.event_id = capacities.event_id
    left join starts on ids.account = starts.account and ids.event_id = starts.event_id

),

currencies as (

    {{ tt_currencies(ref('int_ticket_tailor__order_heads')) }}

)

select
    'ticket_tailor' as platform,
    events.account,
    events.event_id,
    events.event_series_id,
    events.event_name,
    events.event_name as event_name_as_given,
    events.starts_at,
    events.ends_at,
    events.time_zone,
    events.status,
    events.missing_since,
    events.venue,
    cast(events.capacity as bigint) as capacity,
    events.capacity_basis,
    events.currency,
    events.total_orders as platform_orders_count,
    events.total_issued_tickets as platform_tickets_count,
    {{ from_minor_units(
        'events.revenue', 'coalesce(currencies.base_multiplier, events.iso_multiplier)'
    ) }} as platform_revenue,
    events.dates_seen,
    events.first_seen_at
from events
left join currencies
    on events.account = currencies.account and events.currency = currencies.currency
