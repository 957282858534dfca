-- Grain: one row per thing sold, ticket or product, with what it is charged after its part of the invoice's
-- discount.
{{ config(schema='last_build') }}

with sold as (
    select
        account,
        invoice_id,
        'ticket:' || ticket_id as line_id,
        'ticket' as line_kind,
        ticket_id,
        event_id,
        goods,
        fee,
        goods_sold,
        fee_sold
    from {{ touched('int_ticketor__sold_tickets') }}
    union all by name
    select
        account,
        invoice_id,
        'product:' || product_sale_id as line_id,
        line_kind,
        product_sale_id,
        line_amount as goods,
        cast(0 as decimal(18, 4)) as fee,
        line_amount as goods_sold,
        cast(0 as decimal(18, 4)) as fee_sold,
        tax
    from {{ ref('int_ticketor__sold_products') }}
),

items as (
    select
        sold.account,
        sold.invoice_id,
        sold.line_id,
        sold.line_kind,
        sold.ticket_id,
        sold.product_sale_id,
        coalesce(sold.ticket_id, sold.product_sale_id) as item_id,
        sold.event_id,
        sold.tax,
        case when terms.by_sell_price then sold.goods_sold else sold.goods end as goods,
        case when terms.by_sell_price then sold.fee_sold else sold.fee end as fee,
        terms.currency,
        -- NULL while the invoice has not come: what it takes off is not known
        case
            when sold.line_kind in ('ticket', 'product', 'membership') then terms.discount_to_spread
            else terms.discount_to_spread * 0
        end as discount_to_spread
    from sold
    left join {{ ref('int_ticketor__invoice_terms') }} as terms
        on sold.account = terms.account and sold.invoice_id = terms.invoice_id
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
