-- One row per event for which the platform keeps counters of its own: theirs beside ours.
with events as (
    select *
    from {{ ref('dim_events') }}
    where coalesce(platform_orders_count, platform_tickets_count, platform_revenue) is not null
),

sales as (
    select
        event_key,
        currency,
        orders,
        charged_total,
        refunds
    from {{ ref('rpt_event_sales') }}
    where event_key is not null
),

tickets as (
    select
        event_key,
        count(*) as tickets_issued,
        count(*) filter (where status not in ('returned', 'voided', 'exchanged')) as tickets_valid
    from {{ ref('fct_tickets') }}
    where event_key is not null
    group by all
),

compared as (
    select
        events.*,
        cast(coalesce(sales.orders, 0) as bigint) as orders,
        cast(coalesce(tickets.tickets_issued, 0) as bigint) as tickets_issued,
        cast(coalesce(tickets.tickets_valid, 0) as bigint) as tickets_valid,
        cast(coalesce(sales.charged_total, 0) as decimal(18, 4)) as charged_total,
        cast(coalesce(sales.charged_total - sales.refunds, 0) as decimal(18, 4)) as charged_less_refunds
    from events
    left join sales on events.event_key = sales.event_key and coalesce(events.currency, 'XXX') = sales.currency
    left join tickets on events.event_key = tickets.event_key
)

select
    event_key,
    platform,
    account,
    event_id,
    event_name,
    starts_on,
    missing_since,
    coalesce(currency, 'XXX') as currency,
    orders,
    platform_orders_count,
    orders - platform_orders_count as orders_difference,
    tickets_issued,
    tickets_valid,
    platform_tickets_count,
    case
        when platform_tickets_count is null then null
        when tickets_issued = platform_tickets_count and tickets_valid = platform_tickets_count then 'issued and valid'
        when tickets_issued = platform_tickets_count then 'issued'
        when tickets_valid = platform_tickets_count then 'valid'
        else 'neither'
    end as tickets_agree_as,
    charged_total,
    charged_less_refunds,
    platform_revenue,
    case
        when platform_revenue is null then null
        when charged_total = platform_revenue and charged_less_refunds = platform_revenue then 'both'
        when charged_total = platform_revenue then 'charged'
        when charged_less_refunds = platform_revenue then 'charged less refunds'
        else 'neither'
    end as revenue_agrees_as,
    cast(charged_total - platform_revenue as decimal(18, 4)) as revenue_difference
from compared
