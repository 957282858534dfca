with refunds as (

    select
        box_office,
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
        charges.box_office,
        charges.order_id,
        charges.line_kind,
        charges.event_id,
        cast(sum(charges.amount) as bigint) as amount
    from {{ ref('int_ticket_tailor__charge_lines') }} as charges
    semi join refunds using (box_office, order_id)
    group by charges.box_office, charges.order_id, charges.line_kind, charges.event_id
    having sum(charges.amount) > 0

),

parts as (

    select
        refunds.*,
        made_of.line_kind as refund_of,
        made_of.event_id,
        made_of.amount as weight
    from refunds
    left join made_of on refunds.box_office = made_of.box_office and refunds.order_id = made_of.order_id

),

refund_lines as (

    {{ spread('parts', 'moved', 'weight', 'box_office, order_id, movement_id', 'refund_of, event_id', 'part') }}

),

lines as (

    select
        charges.box_office,
        charges.order_id,
        charges.line_id,
        charges.event_id,
        charges.ticket_id,
        charges.product_sale_id,
        charges.line_kind,
        null as refund_of,
        charges.amount,
        charges.tax,
        case when heads.is_booked then heads.created_at end as booked_at,
        'platform' as date_basis
    from {{ ref('int_ticket_tailor__charge_lines') }} as charges
    inner join {{ ref('int_ticket_tailor__order_heads') }} as heads
        on charges.box_office = heads.box_office and charges.order_id = heads.order_id

    union all

    select
        refund_lines.box_office,
        refund_lines.order_id,
        concat_ws(':', refund_lines.movement_id, coalesce(refund_lines.refund_of, 'unexplained'), refund_lines.event_id) as line_id,
        coalesce(refund_lines.event_id, heads.event_id) as event_id,
        null as ticket_id,
        null as product_sale_id,
        'refund' as line_kind,
        coalesce(refund_lines.refund_of, 'unexplained') as refund_of,
        -coalesce(refund_lines.part, refund_lines.moved) as amount,
        null as tax,
        refund_lines.moved_at as booked_at,
        refund_lines.moved_at_basis as date_basis
    from refund_lines
    inner join {{ ref('int_ticket_tailor__order_heads') }} as heads
        on refund_lines.box_office = heads.box_office and refund_lines.order_id = heads.order_id

)

select
    'ticket_tailor' as platform,
    lines.box_office as account,
    lines.order_id,
    lines.line_id,
    lines.event_id,
    lines.ticket_id,
    lines.product_sale_id,
    lines.line_kind,
    lines.refund_of,
    {{ from_minor_units('lines.amount', 'heads.base_multiplier') }} as amount,
    {{ from_minor_units('lines.tax', 'heads.base_multiplier') }} as tax_amount,
    heads.currency,
    lines.booked_at,
    lines.date_basis
from lines
inner join {{ ref('int_ticket_tailor__order_heads') }} as heads
    on lines.box_office = heads.box_office and lines.order_id = heads.order_id
