-- Grain: one row per EventId, as the newest ticket tells it.
with tickets as (
    select
        account,
        event_id,
        event_name,
        event_starts_at,
        invoice_id,
        received_at,
        file,
        position,
        item_position
    from {{ ref('stg_ticketor__tickets') }}
    where event_id is not null
),

-- the few ways in which an event was told, before anything is sorted
ways as (
    select
        account,
        event_id,
        event_name,
        event_starts_at,
        min(received_at) as first_told_at,
        max(received_at) as last_told_at
    from tickets
    group by account, event_id, event_name, event_starts_at
),

currencies as (
    select
        tickets.account,
        tickets.event_id,
        invoices.currency,
        count(*) as tickets
    from {{ ref('int_ticketor__sold_tickets') }} as tickets
    inner join {{ ref('int_ticketor__invoices') }} as invoices
        on tickets.account = invoices.account and tickets.invoice_id = invoices.invoice_id
    where tickets.event_id is not null and invoices.currency is not null
    group by tickets.account, tickets.event_id, invoices.currency
),

usual_currency as (
    select
        account,
        event_id,
        currency
    from currencies
    qualify row_number() over (partition by account, event_id order by tickets desc, currency) = 1
),

events as (
    select
        account,
        event_id,
        count(distinct event_starts_at) as dates_seen,
        min(first_told_at) as first_seen_at
    from ways
    group by account, event_id
),

newest as (
    select *
    from ways
    qualify row_number() over (
        partition by account, event_id order by last_told_at desc, event_starts_at desc nulls last, event_name desc nulls last
    ) = 1
)

select
    'ticketor' as platform,
    events.account,
    events.event_id,
    cast(null as varchar) as event_series_id,
    newest.event_name,
    newest.event_starts_at as starts_at,
    cast(null as timestamptz) as ends_at,
    cast(null as varchar) as time_zone,
    cast(null as varchar) as status,
    cast(null as timestamptz) as missing_since,
    cast(null as varchar) as venue,
    cast(null as bigint) as capacity,
    cast(null as varchar) as capacity_basis,
    usual_currency.currency,
    cast(null as bigint) as platform_orders_count,
    cast(null as bigint) as platform_tickets_count,
    cast(null as decimal(18, 4)) as platform_revenue,
    events.dates_seen,
    events.first_seen_at
from events
inner join newest
    on events.account = newest.account and events.event_id = newest.event_id
left join usual_currency
    on events.account = usual_currency.account and events.event_id = usual_currency.event_id
