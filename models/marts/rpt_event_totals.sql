-- One row per event for which the platform keeps counters of its own: theirs beside ours, in each way they can be read.
with events as (
    select *
    from {{ ref('dim_events') }}
    where coalesce(platform_orders_count, platform_tickets_count, platform_revenue) is not null
),

sales as (
    select
        event_key,
        currency,
        sum(orders) as orders,
        {{ money('sum(charged_total)') }} as charged_total,
        {{ money('sum(refunds)') }} as refunds
    from {{ ref('int_daily_event_sales') }}
    where event_key is not null
    group by event_key, currency
),

-- what the platform still shows: cancelled orders gone, totals lowered by what was voided
standing as (
    select
        event_key,
        currency,
        count(*) as orders,
        sum(total_as_given) filter (where is_booked) as total
    from {{ ref('fct_orders') }}
    where event_key is not null and status <> 'cancelled'
    group by event_key, currency
),

-- the platform's own totals are after the vouchers that paid for an order
paid_by_credit as (
    select
        event_key,
        currency,
        sum(credit_redeemed_amount) as amount
    from {{ ref('fct_orders') }}
    where event_key is not null and is_booked
    group by event_key, currency
),

tickets as (
    select
        event_key,
        count(*) as issued,
        count(*) filter (where status not in ('returned', 'voided', 'exchanged')) as valid
    from {{ ref('fct_tickets') }}
    where event_key is not null
    group by event_key
),

compared as (
    select
        events.*,
        cast(coalesce(sales.orders, 0) as bigint) as orders,
        cast(coalesce(standing.orders, 0) as bigint) as orders_standing,
        cast(coalesce(tickets.issued, 0) as bigint) as tickets_issued,
        cast(coalesce(tickets.valid, 0) as bigint) as tickets_valid,
        case when sales.event_key is null then 0 else sales.charged_total end as charged_total,
        case
            when sales.event_key is null then 0
            else {{ money(wide('sales.charged_total') ~ ' - coalesce(paid_by_credit.amount, 0)') }}
        end as charged_less_credit,
        case
            when sales.event_key is null then 0
            else {{ money(wide('sales.charged_total') ~ ' - coalesce(paid_by_credit.amount, 0) - sales.refunds') }}
        end as charged_less_refunds,
        {{ money('coalesce(standing.total, 0)') }} as total_standing
    from events
    left join sales on events.event_key = sales.event_key and coalesce(events.currency, 'XXX') = sales.currency
    left join standing on events.event_key = standing.event_key and events.currency = standing.currency
    left join paid_by_credit
        on events.event_key = paid_by_credit.event_key and events.currency = paid_by_credit.currency
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
    orders_standing,
    platform_orders_count,
    orders - platform_orders_count as orders_difference,
    case
        when platform_orders_count is not null
            then {{ which_agree('platform_orders_count', {'booked': 'orders', 'standing': 'orders_standing'}) }}
    end as orders_agree_as,
    tickets_issued,
    tickets_valid,
    platform_tickets_count,
    case
        when platform_tickets_count is not null
            then {{ which_agree('platform_tickets_count', {'issued': 'tickets_issued', 'valid': 'tickets_valid'}) }}
    end as tickets_agree_as,
    charged_total,
    charged_less_credit,
    charged_less_refunds,
    total_standing,
    platform_revenue,
    case
        when platform_revenue is not null
            then {{ which_agree('platform_revenue', {
                'charged': 'charged_less_credit', 'less refunds': 'charged_less_refunds', 'standing': 'total_standing',
            }) }}
    end as revenue_agrees_as,
    {{ money(wide('charged_less_credit') ~ ' - platform_revenue') }} as revenue_difference
from compared
