-- Grain: one row per ProductId, as in the newest sale.
with ways as (
    select
        sales.account,
        sales.product_id,
        sales.product_name,
        sales.unit_price,
        invoices.currency,
        min(sales.received_at) as first_received_at,
        max(sales.received_at) as last_received_at
    from {{ distinct_deliveries('stg_ticketor__product_sales', whole=true) }} as sales
    left join {{ ref('int_ticketor__orders') }} as invoices
        on sales.account = invoices.account and sales.invoice_id = invoices.order_id
    where sales.product_id is not null
    group by sales.account, sales.product_id, sales.product_name, sales.unit_price, invoices.currency
),

newest as (
    select
        *,
        min(first_received_at) over (partition by account, product_id) as first_seen_at
    from ways
    qualify
        row_number() over (
            partition by account, product_id
            order by
                last_received_at desc,
                currency desc nulls last,
                product_name desc nulls last,
                unit_price desc nulls last
        ) = 1
)

select
    'ticketor' as platform,
    account,
    product_id,
    product_name,
    unit_price as list_price,
    currency,
    cast(null as varchar) as status,
    first_seen_at
from newest
