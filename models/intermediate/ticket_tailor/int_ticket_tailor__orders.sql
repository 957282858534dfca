-- Grain: one row per order, in the unified shape.
{{ config(materialized='touched') }}

with discounts as (

    select
        account,
        discount_id,
        arg_max(code, row(fetched_at, version_id)) as code
    from {{ ref('stg_ticket_tailor__discounts') }}
    group by account, discount_id

),

-- an order names no code: its discount line names the discount, and the list of discounts the code
codes as (

    select
        lines.account,
        lines.order_id,
        string_agg(distinct discounts.code, ', ' order by discounts.code) as promotion_code
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join discounts on lines.account = discounts.account and lines.item_id = discounts.discount_id
    where lines.line_class = 'discount'
    group by lines.account, lines.order_id

),

tickets as (

    select
        account,
        order_id,
        max(fetched_at) as last_heard_at
    from {{ touched('int_ticket_tailor__ticket_heads') }}
    group by account, order_id

)

select
    'ticket_tailor' as platform,
    heads.account,
    heads.order_id,
    cast(null as varchar) as related_order_id,
    'sale' as order_type,
    -- a document may leave it out; every order has one
    coalesce(heads.status, 'unknown') as status,
    heads.is_booked,
    true as payments_known,
    case
        when heads.payment_type = 'operator' then 'staff'
        when heads.payment_type is null then 'unknown'
        else 'online'
    end as channel,
    heads.created_at as ordered_at,
    heads.customer_id,
    cast(null as varchar) as agent_id,
    heads.currency,
    {{ from_minor_units('sums.total_charged', 'heads.base_multiplier') }} as total_amount,
    {{ from_minor_units('heads.total', 'heads.base_multiplier') }} as total_as_given,
    {{ from_minor_units('sums.fees_total', 'heads.base_multiplier') }} as service_charge_amount,
    {{ from_minor_units('sums.tax', 'heads.base_multiplier') }} as tax_amount,
    case
        when heads.tax_treatment in ('inclusive', 'exclusive') then heads.tax_treatment
        else 'unknown'
    end as tax_basis,
    cast(null as decimal(18, 4)) as tip_amount,
    {{ from_minor_units('-sums.discount_total', 'heads.base_multiplier') }} as discount_amount,
    cast(null as decimal(18, 4)) as platform_fee_amount,
    cast(null as decimal(18, 4)) as ticketing_fee_amount,
    cast(null as decimal(18, 4)) as protection_fee_amount,
    cast(null as decimal(18, 4)) as ad_fee_amount,
    cast(null as decimal(18, 4)) as processing_fee_amount,
    cast(null as decimal(18, 4)) as delivery_fee_amount,
    codes.promotion_code,
    heads.referral_tag as referral,
    heads.txn_id as processor_reference,
    heads.tickets_count as tickets_count_as_given,
    cast(null as bigint) as products_count_as_given,
    heads.event_id,
    heads.first_seen_at,
    greatest(heads.last_heard_at, tickets.last_heard_at) as last_heard_at
from {{ touched('int_ticket_tailor__order_heads') }} as heads
inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
    on heads.account = sums.account and heads.order_id = sums.order_id
left join tickets on heads.account = tickets.account and heads.order_id = tickets.order_id
left join codes on heads.account = codes.account and heads.order_id = codes.order_id
