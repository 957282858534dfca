-- Grain: one row per thing sold, ticket or product, with what it is charged after its part of the invoice's
-- discount.
with items as (
    select
        items.account,
        items.invoice_id,
        items.line_id,
        items.line_kind,
        items.ticket_id,
        items.product_sale_id,
        coalesce(items.ticket_id, items.product_sale_id) as item_id,
        items.event_id,
        items.tax,
        case when terms.by_sell_price then items.goods_sold else items.goods end as goods,
        case when terms.by_sell_price then items.fee_sold else items.fee end as fee,
        terms.currency,
        -- NULL while the invoice has not come: what it takes off is not known
        case
            when items.line_kind in ('ticket', 'product', 'membership') then terms.discount_to_spread
            else terms.discount_to_spread * 0
        end as discount_to_spread
    from {{ ref('int_ticketor__sale_items') }} as items
    left join {{ ref('int_ticketor__invoice_terms') }} as terms
        on items.account = terms.account and items.invoice_id = terms.invoice_id
),

to_spread as (
    select *
    from items
    where discount_to_spread > 0
),

spread as (
    {{ spread(
        'to_spread',
        amount=minor_units_of('discount_to_spread', 'currency'),
        weight=ten_thousandths('goods'),
        partition_by='account, invoice_id',
        order_by='item_id, line_id',
        share='minor_share'
    ) }}
),

shares as (
    select
        * exclude (minor_share),
        {{ from_minor_units('minor_share', multiplier_of('discount_to_spread', 'currency')) }} as discount_share
    from spread
    union all by name
    select
        *,
        cast(discount_to_spread as decimal(18, 4)) as discount_share
    from items
    where discount_to_spread is null or discount_to_spread = 0
)

select
    account,
    invoice_id,
    line_id,
    line_kind,
    ticket_id,
    product_sale_id,
    event_id,
    -- NULL where the goods are: a line that costs more than an amount can be
    {{ money(wide('goods') ~ ' - coalesce(discount_share, 0)') }} as amount,
    fee,
    discount_share,
    tax,
    currency
from shares
