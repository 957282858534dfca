-- The ledger's lines before anything went back, in minor units.
with sales as (

    select
        shares.box_office,
        shares.order_id,
        shares.line_id,
        shares.line_kind,
        shares.ticket_id,
        case when shares.line_kind <> 'ticket' then shares.line_id end as product_sale_id,
        shares.amount,
        case when shares.is_tax_on_top then 0 else shares.tax end as tax,
        shares.fee
    from {{ ref('int_ticket_tailor__sale_shares') }} as shares

),

lines as (

    select
        lines.box_office,
        lines.order_id,
        lines.line_id,
        lines.line_class,
        lines.total,
        sums.is_tax_inside_lines
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.box_office = sums.box_office and lines.order_id = sums.order_id

),

spread_discounts as (

    select
        box_office,
        order_id,
        sum(discount) as discount
    from {{ ref('int_ticket_tailor__sale_shares') }}
    group by box_office, order_id

),

charges as (

    select
        box_office,
        order_id,
        line_id,
        line_kind,
        ticket_id,
        product_sale_id,
        amount,
        tax
    from sales

    union all

    select
        box_office,
        order_id,
        line_id || ':fee' as line_id,
        'buyer_fee' as line_kind,
        ticket_id,
        product_sale_id,
        fee as amount,
        null as tax
    from sales
    where fee <> 0

    union all

    select
        box_office,
        order_id,
        line_id,
        case line_class when 'voucher' then 'gift_card' else line_class end as line_kind,
        null as ticket_id,
        null as product_sale_id,
        total as amount,
        case line_class when 'tax' then total end as tax
    from lines
    where
        line_class = 'buyer_fee'
        or (line_class = 'tax' and not is_tax_inside_lines)
        or (line_class = 'voucher' and total < 0)

    union all

    select
        box_office,
        order_id,
        'tax' as line_id,
        'tax' as line_kind,
        null as ticket_id,
        null as product_sale_id,
        tax_on_top as amount,
        tax_on_top as tax
    from {{ ref('int_ticket_tailor__order_sums') }}
    where tax_on_top <> 0

    union all

    -- what no ticket or product could take
    select
        sums.box_office,
        sums.order_id,
        'discount' as line_id,
        'discount' as line_kind,
        null as ticket_id,
        null as product_sale_id,
        cast(sums.discount_total + coalesce(spread_discounts.discount, 0) as bigint) as amount,
        null as tax
    from {{ ref('int_ticket_tailor__order_sums') }} as sums
    left join spread_discounts
        on sums.box_office = spread_discounts.box_office and sums.order_id = spread_discounts.order_id
    where sums.discount_total + coalesce(spread_discounts.discount, 0) <> 0

)

select
    charges.box_office,
    charges.order_id,
    charges.line_id,
    coalesce(tickets.event_id, heads.event_id) as event_id,
    charges.ticket_id,
    charges.product_sale_id,
    charges.line_kind,
    charges.amount,
    charges.tax
from charges
inner join {{ ref('int_ticket_tailor__order_heads') }} as heads
    on charges.box_office = heads.box_office and charges.order_id = heads.order_id
left join {{ ref('int_ticket_tailor__ticket_heads') }} as tickets
    on charges.box_office = tickets.box_office and charges.ticket_id = tickets.ticket_id
