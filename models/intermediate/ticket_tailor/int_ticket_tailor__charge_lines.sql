{{ config(materialized='view') }}

-- The ledger's lines before anything went back, in minor units.
with sales as (

    select
        shares.account,
        shares.order_id,
        shares.line_id,
        shares.line_kind,
        shares.ticket_id,
        tickets.event_id,
        shares.amount,
        case when shares.is_tax_on_top then 0 else shares.tax end as tax,
        shares.fee
    from {{ touched('int_ticket_tailor__sale_shares') }} as shares
    left join {{ touched('int_ticket_tailor__ticket_heads') }} as tickets
        on shares.account = tickets.account and shares.ticket_id = tickets.ticket_id

),

lines as (

    select
        lines.account,
        lines.order_id,
        lines.line_id,
        case lines.line_class when 'voucher' then 'gift_card' else lines.line_class end as line_kind,
        lines.total
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.account = sums.account and lines.order_id = sums.order_id
    where
        lines.line_class = 'buyer_fee'
        or (lines.line_class = 'tax' and not sums.is_tax_inside_lines)
        or (lines.line_class = 'voucher' and lines.total < 0)

),

spread_discounts as (

    select
        account,
        order_id,
        cast(sum(discount) as bigint) as discount
    from {{ touched('int_ticket_tailor__sale_shares') }}
    where discount <> 0
    group by account, order_id

),

charges as (

    select
        account,
        order_id,
        line_id,
        line_kind,
        ticket_id,
        case when line_kind <> 'ticket' then line_id end as product_sale_id,
        event_id,
        amount,
        tax
    from sales

    union all

    select
        account,
        order_id,
        line_id || ':fee' as line_id,
        'buyer_fee' as line_kind,
        null as ticket_id,
        null as product_sale_id,
        event_id,
        fee as amount,
        null as tax
    from sales
    where fee <> 0

    union all

    select
        account,
        order_id,
        line_id,
        line_kind,
        null as ticket_id,
        null as product_sale_id,
        null as event_id,
        total as amount,
        case line_kind when 'tax' then total end as tax
    from lines

    union all

    select
        account,
        order_id,
        'tax' as line_id,
        'tax' as line_kind,
        null as ticket_id,
        null as product_sale_id,
        null as event_id,
        tax_on_top as amount,
        tax_on_top as tax
    from {{ ref('int_ticket_tailor__order_sums') }}
    where tax_on_top <> 0

    union all

    -- what no ticket or product could take
    select
        sums.account,
        sums.order_id,
        'discount' as line_id,
        'discount' as line_kind,
        null as ticket_id,
        null as product_sale_id,
        null as event_id,
        sums.discount_total + coalesce(spread_discounts.discount, 0) as amount,
        null as tax
    from {{ ref('int_ticket_tailor__order_sums') }} as sums
    left join spread_discounts
        on sums.account = spread_discounts.account and sums.order_id = spread_discounts.order_id
    where sums.discount_total + coalesce(spread_discounts.discount, 0) <> 0

)

select
    charges.account,
    charges.order_id,
    charges.line_id,
    coalesce(charges.event_id, heads.event_id) as event_id,
    charges.ticket_id,
    charges.product_sale_id,
    charges.line_kind,
    charges.amount,
    charges.tax,
    heads.base_multiplier,
    heads.currency,
    case when heads.is_booked then coalesce(heads.created_at, heads.first_seen_at) end as booked_at,
    case when heads.created_at is null then 'first_seen' else 'platform' end as date_basis
from charges
inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
    on charges.account = heads.account and charges.order_id = heads.order_id
