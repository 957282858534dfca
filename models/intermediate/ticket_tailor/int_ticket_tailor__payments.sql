-- Grain: one row per movement of money or credit, in the unified shape.
{{ config(materialized='touched') }}

with first_captures as (

    -- paid when first seen: at the order's own time; paid after it was seen unpaid: when that was first seen
    select
        account,
        order_id,
        order_id || ':capture' as payment_id,
        case when most_paid_before is not null then fetched_at end as paid_at,
        if(most_paid_before is null, 'platform', 'first_seen') as paid_at_basis,
        'capture' as kind,
        paid_more as moved,
        total_paid as amount_as_given,
        0 as credit,
        fetched_at as first_seen_at
    from {{ ref('int_ticket_tailor__order_versions') }}
    where paid_more <> 0 and coalesce(most_paid_before, 0) = 0

),

-- an older document does not say what was paid
captures_not_stated as (

    select
        account,
        order_id,
        order_id || ':capture' as payment_id,
        created_at as paid_at,
        'platform' as paid_at_basis,
        'capture' as kind,
        captured as moved,
        captured as amount_as_given,
        0 as credit,
        first_seen_at
    from {{ touched('int_ticket_tailor__order_heads') }}
    where captured <> 0 and not is_paid_known

),

later_captures as (

    select
        *,
        left(document_hash, 12) as version,
        -- a document may return to an earlier state, with the same hash: that is another movement
        row_number() over (partition by account, order_id, left(document_hash, 12) order by version_no) as occurrence
    from {{ ref('int_ticket_tailor__order_versions') }}
    where paid_more <> 0 and most_paid_before > 0

),

captures as (

    select * from first_captures
    union all
    select * from captures_not_stated
    union all
    select
        account,
        order_id,
        order_id || ':capture:' || version || case when occurrence > 1 then ':' || occurrence else '' end as payment_id,
        fetched_at as paid_at,
        'first_seen' as paid_at_basis,
        'capture' as kind,
        paid_more as moved,
        total_paid as amount_as_given,
        0 as credit,
        fetched_at as first_seen_at
    from later_captures

),

vouchers as (

    select
        lines.account,
        lines.order_id,
        lines.order_id || ':voucher:' || lines.line_id as payment_id,
        heads.created_at as paid_at,
        'platform' as paid_at_basis,
        'credit_redeemed' as kind,
        0 as moved,
        lines.total as amount_as_given,
        -lines.total as credit,
        heads.first_seen_at
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
        on lines.account = heads.account and lines.order_id = heads.order_id
    where lines.line_class = 'voucher' and lines.total < 0 and heads.is_booked

),

movements as (

    select
        account,
        order_id,
        order_id || ':' || movement_id as payment_id,
        moved_at as paid_at,
        moved_at_basis as paid_at_basis,
        kind,
        case kind when 'refund' then -moved else 0 end as moved,
        amount_as_given,
        case kind when 'credit_issued' then moved else 0 end as credit,
        first_seen_at
    from {{ ref('int_ticket_tailor__refund_movements') }}

),

payments as (

    select * from captures
    union all
    select * from vouchers
    union all
    select * from movements

)

select
    'ticket_tailor' as platform,
    payments.account,
    payments.payment_id,
    payments.order_id,
    heads.customer_id,
    coalesce(payments.paid_at, heads.created_at, heads.first_seen_at) as paid_at,
    case
        when payments.paid_at is null and heads.created_at is null then 'first_seen'
        else payments.paid_at_basis
    end as paid_at_basis,
    heads.payment_type as method,
    cast(null as varchar) as charge_method,
    case when payments.kind in ('capture', 'refund') then heads.txn_id end as processor_reference,
    payments.kind,
    {{ from_minor_units('payments.moved', 'heads.base_multiplier') }} as amount,
    {{ from_minor_units('payments.amount_as_given', 'heads.base_multiplier') }} as amount_as_given,
    {{ from_minor_units('payments.credit', 'heads.base_multiplier') }} as credit_amount,
    heads.currency,
    true as is_success,
    cast(null as decimal(18, 4)) as platform_deduction,
    cast(null as varchar) as agent_id,
    cast(null as varchar) as cash_register_id,
    payments.first_seen_at
from payments
inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
    on payments.account = heads.account and payments.order_id = heads.order_id
