-- Grain: one row per product sale: merchandise, donation, gift card, membership.
{{ config(materialized='touched') }}

with returned as (
    select
        account,
        item_id as product_sale_id,
        sum(returned_quantity) as quantity
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
    terms.event_id,
    coalesce(products.buyer_id, invoices.buyer_id) as customer_id,
    products.kind,
    products.quantity,
    -- what newer versions of the sale say, or the returns that list it; not more than was bought
    least(
        {{ money('greatest(coalesce(products.returned_quantity, 0), coalesce(returned.quantity, 0))') }},
        greatest(products.quantity, products.returned_quantity)
    ) as returned_quantity,
    products.unit_price,
    -- the line's own, and its part of the invoice's
    cast(coalesce(products.discount, 0) + coalesce(items.discount_share, 0) as decimal(18, 4)) as discount_amount,
    products.tax as tax_amount,
    products.delivery_fee,
    items.amount as line_amount,
    invoices.currency,
    invoices.ordered_at as sold_at,
    products.first_seen_at
from {{ ref('int_ticketor__sold_products') }} as products
inner join {{ ref('int_ticketor__priced_items') }} as items
    on products.account = items.account and products.product_sale_id = items.product_sale_id
left join {{ ref('int_ticketor__invoices') }} as invoices
    on products.account = invoices.account and products.invoice_id = invoices.invoice_id
left join {{ ref('int_ticketor__invoice_terms') }} as terms
    on products.account = terms.account and products.invoice_id = terms.invoice_id
left join returned
    on products.account = returned.account and products.product_sale_id = returned.product_sale_id
