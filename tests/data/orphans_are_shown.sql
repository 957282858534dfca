-- An item may come before its order, or without it; then rpt_reconciliation says so. A row here is an order that is
-- named by an item, has not come, and is not shown, or is shown and has come.
with missing as (
    select order_key from {{ touched('fct_tickets') }}
    union
    select order_key from {{ touched('fct_product_sales') }}
    union
    select order_key from {{ touched('fct_payments') }}
    union
    select order_key from {{ touched('fct_order_changes') }}
),

shown as (
    select order_key
    from {{ touched('rpt_reconciliation') }}
    where identity = 'order is here'
),

not_here as (
    select missing.order_key
    from missing
    anti join {{ touched('fct_orders') }} as orders on missing.order_key = orders.order_key
    where missing.order_key is not null
)

select
    not_here.order_key as missing_and_not_shown,
    shown.order_key as shown_and_not_missing
from not_here
full outer join shown on not_here.order_key = shown.order_key
where not_here.order_key is null or shown.order_key is null
