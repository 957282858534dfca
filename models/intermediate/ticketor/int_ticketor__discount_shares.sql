-- Grain: one row per thing sold on an invoice with a discount to spread: its part of the discount.
with to_spread as (
    select
        items.account,
        items.invoice_id,
        items.line_id,
        items.item_order,
        items.goods,
        terms.discount_to_spread,
        terms.currency
    from {{ ref('int_ticketor__invoice_terms') }} as terms
    inner join {{ ref('int_ticketor__sale_items') }} as items
        on terms.account = items.account and terms.invoice_id = items.invoice_id
    where terms.discount_to_spread > 0
        and items.line_kind in ('ticket', 'product', 'membership')
),

spread as (
    {{ spread(
        'to_spread',
        amount=minor_units_of('discount_to_spread', 'currency'),
        weight='cast(goods * 10000 as bigint)',
        partition_by='account, invoice_id',
        order_by='item_order, line_id',
        share='minor_share'
    ) }}
)

select
    account,
    invoice_id,
    line_id,
    {{ from_minor_units('minor_share', multiplier_of('discount_to_spread', 'currency')) }} as discount_share
from spread
