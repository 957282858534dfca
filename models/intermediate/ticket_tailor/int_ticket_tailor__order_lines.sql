{{ config(materialized='touched') }}

with charges as (

    select * from {{ ref('int_ticket_tailor__charge_lines') }}

),

refunds as (

    select
        account,
        order_id,
        movement_id,
        moved,
        moved_at,
        moved_at_basis
    from {{ ref('int_ticket_tailor__refund_movements') }}
    where kind = 'refund'

),

-- what the order was made of, by kind: what went back went back of that
made_of as (

    select
        charges.account,
        charges.order_id,
        charges.line_kind,
        charges.event_id,
        cast(sum(charges.amount) as bigint) as amount
    from charges
    semi join refunds on charges.account = refunds.account and charges.order_id = refunds.order_id
    group by charges.account, charges.order_id, charges.line_kind, charges.event_id
    having sum(charges.amount) > 0

),

parts as (

    select
        refunds.*,
        made_of.line_kind as refund_of,
        coalesce(made_of.event_id, heads.event_id) as event_id,
        made_of.amount as weight,
        heads.base_multiplier,
        heads.currency
    from refunds
    inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
        on refunds.account = heads.account and refunds.order_id = heads.order_id
    left join made_of on refunds.account = made_of.account and refunds.order_id = made_of.order_id

),

refund_parts as (

    {{ spread('parts', 'moved', 'weight', 'account, order_id, movement_id', 'refund_of, event_id', 'part') }}

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
    from charges

    union all

    select
        account,
        order_id,
        concat_ws(':', movement_id, coalesce(refund_of, 'unexplained'), event_id) as line_id,
        event_id,
        null as ticket_id,
        null as product_sale_id,
        'refund' as line_kind,
        coalesce(refund_of, 'unexplained') as refund_of,
        -coalesce(part, moved) as amount,
        null as tax,
        base_multiplier,
        currency,
        moved_at as booked_at,
        moved_at_basis as date_basis
    from refund_parts
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
-- a line that costs more than an amount can be stays in the order's unexplained rest
where amount is null or {{ from_minor_units('amount', 'base_multiplier') }} is not null
