-- Grain: one row per signed amount of an order, in the unified shape.
{{ config(materialized='touched') }}

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
        shares.discount,
        shares.fee
    from {{ touched('int_ticket_tailor__sale_shares') }} as shares
    left join {{ touched('int_ticket_tailor__ticket_heads') }} as tickets
        on shares.account = tickets.account and shares.ticket_id = tickets.ticket_id

),

-- what has a line of its own and is no sale
other_lines as (

    select
        lines.account,
        lines.order_id,
        lines.line_id,
        lines.line_class as line_kind,
        lines.total
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.account = sums.account and lines.order_id = sums.order_id
    where
        lines.line_class = 'buyer_fee'
        or (lines.line_class = 'tax' and not sums.is_tax_inside_lines)

),

spread_discounts as (

    select
        account,
        order_id,
        cast(sum(discount) as bigint) as discount
    from sales
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
    from other_lines

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

),

-- what was charged, before anything was given back
charge_lines as (

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

),

given_back as (

    select
        account,
        order_id,
        case kind when 'refund' then 'refund' else 'credited' end as line_kind,
        movement_id,
        moved,
        moved_at,
        moved_at_basis
    from {{ ref('int_ticket_tailor__refund_movements') }}

),

-- what is given back is shared by: the kinds and events that the order was made of
made_of as (

    select
        charge_lines.account,
        charge_lines.order_id,
        charge_lines.line_kind,
        charge_lines.event_id,
        cast(sum(charge_lines.amount) as bigint) as amount,
        -- not known of one line, not known of all
        case when count(*) = count(charge_lines.tax) then sum(charge_lines.tax) end as tax
    from charge_lines
    semi join given_back
        on charge_lines.account = given_back.account and charge_lines.order_id = given_back.order_id
    group by charge_lines.account, charge_lines.order_id, charge_lines.line_kind, charge_lines.event_id
    having sum(charge_lines.amount) > 0

),

parts as (

    select
        given_back.*,
        made_of.line_kind as refund_of,
        coalesce(made_of.event_id, heads.event_id) as event_id,
        made_of.amount as weight,
        made_of.tax as tax_inside,
        heads.base_multiplier,
        heads.currency
    from given_back
    inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
        on given_back.account = heads.account and given_back.order_id = heads.order_id
    left join made_of on given_back.account = made_of.account and given_back.order_id = made_of.order_id

),

given_back_parts as (

    {{ spread('parts', 'moved', 'weight', 'account, order_id, movement_id', 'refund_of, event_id', 'part') }}

),

-- of the tax inside, what falls to all that was given back up to here: when all is given back, so is all tax
so_far as (

    select
        *,
        sum(part) over (
            partition by account, order_id, refund_of, event_id
            order by moved_at asc, line_kind desc, movement_id asc
            rows between unbounded preceding and current row
        ) as back_so_far
    from given_back_parts

),

lines as (

    select
        account,
        order_id,
        line_id,
        event_id,
        ticket_id,
        product_sale_id,
        line_kind,
        null as refund_of,
        amount,
        tax,
        base_multiplier,
        currency,
        booked_at,
        date_basis
    from charge_lines

    union all

    select
        account,
        order_id,
        concat_ws(':', movement_id, coalesce(refund_of, 'unexplained'), event_id) as line_id,
        event_id,
        null as ticket_id,
        null as product_sale_id,
        line_kind,
        coalesce(refund_of, 'unexplained') as refund_of,
        -coalesce(part, moved) as amount,
        cast(tax_inside * (back_so_far - part) // weight - tax_inside * back_so_far // weight as bigint) as tax,
        base_multiplier,
        currency,
        moved_at as booked_at,
        moved_at_basis as date_basis
    from so_far
    where coalesce(part, moved) <> 0

)

select
    'ticket_tailor' as platform,
    account,
    order_id,
    line_id,
    event_id,
    ticket_id,
    product_sale_id,
    line_kind,
    refund_of,
    {{ from_minor_units('amount', 'base_multiplier') }} as amount,
    {{ from_minor_units('tax', 'base_multiplier') }} as tax_amount,
    currency,
    booked_at,
    date_basis
from lines
-- a line too large for an amount is part of the order's unexplained rest
where amount is null or {{ from_minor_units('amount', 'base_multiplier') }} is not null
