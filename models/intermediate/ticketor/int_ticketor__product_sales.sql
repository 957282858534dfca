-- Grain: one row per product sale: merchandise, donation, gift card, membership.
with returned as (
    select
        account,
        item_id as product_sale_id,
        sum(returned_quantity) as returned_quantity
    from {{ ref('int_ticketor__returned_items') }}
    where item = 'product'
    group by account, item_id
)

select
    'ticketor' as platform,
    products.account,
    products.product_sale_id,
    products.invoice_id as order_id,
    products.product_id,
    cast(null as varchar) as event_id,
    coalesce(products.buyer_id, invoices.buyer_id) as customer_id,
    products.kind,
    products.quantity,
    cast(
        least(
            greatest(coalesce(products.returned_quantity, 0), coalesce(returned.returned_quantity, 0)),
            greatest(products.quantity, coalesce(products.returned_quantity, 0))
        ) as decimal(18, 4)
    ) as returned_quantity,
    products.unit_price,
    -- of the line, and its part of the invoice's
    cast(coalesce(products.discount, 0) + coalesce(shares.discount_share, 0) as decimal(18, 4)) as discount_amount,
    products.tax as tax_amount,
    products.delivery_fee,
    cast(products.line_amount - coalesce(shares.discount_share, 0) as decimal(18, 4)) as line_amount,
    invoices.currency,
    invoices.ordered_at as sold_at,
    products.first_seen_at
from {{ ref('int_ticketor__sold_products') }} as products
left join {{ ref('int_ticketor__invoices') }} as invoices
    on products.account = invoices.account and products.invoice_id = invoices.invoice_id
left join {{ ref('int_ticketor__discount_shares') }} as shares
    on products.account = shares.account
        and products.invoice_id = shares.invoice_id
        and shares.line_id = 'product:' || products.product_sale_id
left join returned
    on products.account = returned.account and products.product_sale_id = returned.product_sale_id
