-- Grain: one row per ticket, in the unified shape.
{{ config(materialized='touched', meta={'touched_by': 'account, ticket_id'}) }}

with scans as (

    select
        account,
        ticket_id,
        max(check_in_at) as scanned_at
    from (
        select
            account,
            ticket_id,
            check_in_at,
            quantity,
            row_number() over (
                partition by account, check_in_id
                order by fetched_at desc, version_id desc
            ) as version_rank
        from {{ touched('stg_ticket_tailor__check_ins') }}
    ) as check_ins
    -- a check-in without a quantity is of one person
    where version_rank = 1 and coalesce(quantity, 1) > 0 and ticket_id is not null
    group by account, ticket_id

),

types as (

    select
        account,
        event_id,
        ticket_type_id,
        max(ticket_type) as ticket_type
    from {{ ref('stg_ticket_tailor__event_ticket_types') }}
    group by account, event_id, ticket_type_id

),

tickets as (

    select
        heads.account,
        heads.ticket_id,
        heads.order_id,
        coalesce(heads.event_id, orders.event_id) as event_id,
        -- a ticket issued without an order belongs to the person whose address is on it
        case
            when heads.order_id is null then {{ person_key('heads.email') }}
            else orders.customer_id
        end as customer_id,
        coalesce(
            heads.status in ('voided', 'void') or heads.is_replaced or orders.status = 'cancelled', false
        ) as is_voided,
        coalesce(
            (orders.captured > 0 and orders.money_refunded >= orders.captured)
            or (orders.status = 'cancelled' and orders.money_refunded > 0),
            false
        ) as is_refunded,
        orders.order_id is not null and not orders.is_booked as is_reserved,
        heads.status as status_as_given,
        heads.source,
        heads.reservation,
        coalesce(heads.description, types.ticket_type) as ticket_type,
        {{ from_minor_units(
            'heads.listed_price',
            'case when heads.listed_currency is null then coalesce(orders.base_multiplier, heads.listed_multiplier)'
            ' else heads.listed_multiplier end'
        ) }} as list_price,
        shares.amount,
        -- in a bundle, and free before any discount
        coalesce(shares.is_of_bundle and shares.goods = 0, false) as is_free_in_bundle,
        shares.fee,
        shares.discount,
        shares.tax,
        case when shares.is_tax_on_top then coalesce(shares.tax, 0) else 0 end as tax_on_top,
        orders.base_multiplier,
        coalesce(orders.currency, heads.listed_currency) as currency,
        case when heads.order_id is null then heads.created_at else orders.created_at end as sold_at,
        -- where the platform gives no time, when it was first seen voided, replaced or cancelled
        case
            when heads.voided_at is not null then heads.voided_at
            when heads.status in ('voided', 'void') then heads.seen_voided_at
            when heads.is_replaced then heads.missing_since
            else orders.seen_cancelled_at
        end as voided_at,
        scans.scanned_at,
        heads.first_seen_at
    from {{ touched('int_ticket_tailor__ticket_heads') }} as heads
    left join {{ touched('int_ticket_tailor__order_heads') }} as orders
        on heads.account = orders.account and heads.order_id = orders.order_id
    left join {{ touched('int_ticket_tailor__sale_shares') }} as shares
        on heads.account = shares.account
            and heads.order_id = shares.order_id
            and heads.ticket_id = shares.ticket_id
    left join scans on heads.account = scans.account and heads.ticket_id = scans.ticket_id
    left join types
        on heads.account = types.account
            and heads.event_id = types.event_id
            and heads.ticket_type_id = types.ticket_type_id

)

select
    'ticket_tailor' as platform,
    account,
    ticket_id,
    order_id,
    event_id,
    customer_id,
    case
        when is_voided and is_refunded then 'returned'
        when is_voided then 'voided'
        when is_reserved then 'reserved'
        when status_as_given = 'valid' then 'sold'
        else coalesce(status_as_given, 'sold')
    end as status,
    case
        when order_id is null and source in ('api', 'dashboard_import') then 'import'
        when amount > 0 then 'paid'
        when amount = 0 and list_price > 0 and is_free_in_bundle then 'bundle'
        when amount = 0 and list_price > 0 then 'comp'
        when list_price = 0 then 'free_event'
        else 'unknown'
    end as admission_kind,
    cast(null as varchar) as section,
    cast(null as varchar) as seat_row,
    reservation as seat,
    ticket_type,
    list_price,
    {{ from_minor_units('amount', 'base_multiplier') }} as price,
    {{ from_minor_units('fee', 'base_multiplier') }} as service_charge,
    {{ from_minor_units('amount + fee + tax_on_top', 'base_multiplier') }} as price_paid,
    {{ from_minor_units('discount', 'base_multiplier') }} as discount_amount,
    {{ from_minor_units('tax', 'base_multiplier') }} as tax_amount,
    currency,
    sold_at,
    voided_at,
    scanned_at,
    cast(null as varchar) as delivery_method,
    source,
    first_seen_at
from tickets
