-- One row per month given back, month sold, basis of the day, event and currency.
{{ config(materialized='view') }}

select
    cast(date_trunc('month', lines.booked_on) as date) as month,
    cast(date_trunc('month', coalesce(sales.booked_on, orders.booked_on)) as date) as month_sold,
    lines.platform,
    lines.account,
    coalesce(lines.currency, 'XXX') as currency,
    lines.event_key,
    events.event_id,
    events.event_name,
    lines.date_basis,
    {{ money("coalesce(-sum(lines.amount) filter (where lines.line_kind = 'refund'), 0)") }} as refunds,
    {{ money("coalesce(-sum(lines.amount) filter (where lines.line_kind = 'credited'), 0)") }} as credited
from {{ mart('fct_order_lines') }} as lines
left join {{ mart('fct_orders') }} as orders on lines.order_key = orders.order_key
-- what a return gives back was sold in another order
left join {{ mart('fct_orders') }} as sales on orders.related_order_key = sales.order_key
left join {{ mart('dim_events') }} as events on lines.event_key = events.event_key
where lines.booked_on is not null and {{ is_given_back('lines.line_kind') }}
group by all
