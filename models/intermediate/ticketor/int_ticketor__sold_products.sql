-- Grain: one row per product sale, by its Id alone (the same Id under two invoices is one sale), as in its
-- newest version. What a return lists under its own number is no sale: see int_ticketor__returned_items.
{{ config(schema='last_build') }}

with returns as (
    select
        account,
        invoice_id
    from {{ ref('int_ticketor__invoices') }}
    where is_return
),

delivered as (
    select
        products.*,
        parent.invoice_id is not null as is_on_return
    from {{ distinct_deliveries('stg_ticketor__product_sales') }} as products
    left join returns as own
        on products.account = own.account and products.invoice_id = own.invoice_id
    left join returns as parent
        on products.account = parent.account and products.parent_invoice_id = parent.invoice_id
    where
        products.product_sale_id is not null
        and own.invoice_id is null
),

versions as (
    select
        *,
        min(received_at) over sale as first_seen_at,
        max(abs(returned_quantity)) over sale as most_returned,
        min(invoice_id) over sale as lowest_invoice_id,
        max(invoice_id) over sale as highest_invoice_id,
        -- what a return says of the prices of a sale counts only where nothing else does
        row_number() over (
            partition by account, product_sale_id
            order by is_on_return asc, received_at desc, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from delivered
    window sale as (partition by account, product_sale_id)
)

select
    products.account,
    products.product_sale_id,
    products.invoice_id,
    products.product_id,
    coalesce(kinds.kind, 'merchandise') as kind,
    case kinds.kind when 'merchandise' then 'product' else coalesce(kinds.kind, 'product') end as line_kind,
    products.quantity,
    products.unit_price,
    products.discount,
    products.tax,
    products.delivery_fee,
    {{ goods_of_line() }} as line_amount,
    products.buyer_id,
    products.most_returned as returned_quantity,
    products.lowest_invoice_id,
    products.highest_invoice_id,
    products.first_seen_at
from versions as products
left join {{ ref('int_ticketor__product_kinds') }} as kinds
    on products.account = kinds.account and products.product_id = kinds.product_id
where products.recency = 1
