-- The lines of an order make its total: all of them for an order that gives back, those that are no refund for any
-- other. A row here is an order of which an amount is in no line, or in two.
with added_up as (
    select
        order_key,
        currency,
        sum(amount) as everything,
        sum(case when line_kind <> 'refund' then amount end) as charged
    from {{ touched('fct_order_lines') }}
    group by order_key, currency
)

select
    orders.order_key,
    orders.order_id,
    orders.order_type,
    orders.total_amount,
    added_up.everything,
    added_up.charged
from {{ touched('fct_orders') }} as orders
left join added_up
    on orders.order_key = added_up.order_key and orders.currency is not distinct from added_up.currency
where
    orders.total_amount is not null
    and orders.total_amount <> coalesce(
        if({{ is_return('orders.order_type') }}, added_up.everything, added_up.charged), 0
    )
