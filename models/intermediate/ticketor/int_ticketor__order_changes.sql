-- Grain: one row per change of an invoice, or of something on it, between two of its versions as they came. What
-- never changed, nearly all of it, is left out before anything is sorted.
{{ config(materialized='touched') }}

with changed_invoices as (
    select
        account,
        invoice_id
    from {{ distinct_deliveries('stg_ticketor__invoices') }}
    where invoice_id is not null
    group by account, invoice_id
    having
        min(return_status) <> max(return_status)
        or min(total) <> max(total)
        or min(invoice_type) <> max(invoice_type)
        or min({{ ticketor_fee() }}) <> max({{ ticketor_fee() }})
),

changed_tickets as (
    select
        account,
        invoice_id,
        ticket_id
    from {{ distinct_deliveries('stg_ticketor__tickets') }}
    where ticket_id is not null
    group by account, invoice_id, ticket_id
    having min(status) <> max(status) or min(event_id) <> max(event_id)
),

changed_products as (
    select
        account,
        invoice_id,
        product_sale_id
    from {{ distinct_deliveries('stg_ticketor__product_sales') }}
    where product_sale_id is not null
    group by account, invoice_id, product_sale_id
    having min(returned_quantity) <> max(returned_quantity)
),

changed_payments as (
    select
        account,
        invoice_id,
        payment_id
    from {{ distinct_deliveries('stg_ticketor__payments') }}
    where payment_id is not null
    group by account, invoice_id, payment_id
    having min(is_success) <> max(is_success)
),

invoices as (
    select
        versions.account,
        versions.invoice_id,
        '' as item_id,
        versions.received_at,
        versions.has_details,
        versions.file,
        versions.position,
        cast(0 as bigint) as item_position,
        versions.record_id,
        versions.return_status as status,
        cast(versions.total as varchar) as total,
        cast({{ ticketor_fee() }} as varchar) as fee,
        versions.invoice_type as type
    from {{ distinct_deliveries('stg_ticketor__invoices') }} as versions
    inner join changed_invoices as changed
        on versions.account = changed.account and versions.invoice_id = changed.invoice_id
),

tickets as (
    select
        versions.account,
        versions.invoice_id,
        versions.ticket_id as item_id,
        versions.received_at,
        true as has_details,
        versions.file,
        versions.position,
        versions.item_position,
        versions.record_id,
        versions.status as ticket_status,
        versions.event_id as ticket_event
    from {{ distinct_deliveries('stg_ticketor__tickets') }} as versions
    inner join changed_tickets as changed
        on
            versions.account = changed.account
            and versions.invoice_id = changed.invoice_id
            and versions.ticket_id = changed.ticket_id
),

products as (
    select
        versions.account,
        versions.invoice_id,
        versions.product_sale_id as item_id,
        versions.received_at,
        true as has_details,
        versions.file,
        versions.position,
        versions.item_position,
        versions.record_id,
        cast(versions.returned_quantity as varchar) as returned_quantity
    from {{ distinct_deliveries('stg_ticketor__product_sales') }} as versions
    inner join changed_products as changed
        on
            versions.account = changed.account
            and versions.invoice_id = changed.invoice_id
            and versions.product_sale_id = changed.product_sale_id
),

payments as (
    select
        versions.account,
        versions.invoice_id,
        versions.payment_id as item_id,
        versions.received_at,
        true as has_details,
        versions.file,
        versions.position,
        versions.item_position,
        versions.record_id,
        cast(versions.is_success as varchar) as payment_success
    from {{ distinct_deliveries('stg_ticketor__payments') }} as versions
    inner join changed_payments as changed
        on
            versions.account = changed.account
            and versions.invoice_id = changed.invoice_id
            and versions.payment_id = changed.payment_id
),

-- one row per version and thing that may change; what is missing from a version is no change
versions as (
    select *
    from invoices
    unpivot (value for what in (status, total, fee, type))
    union all by name
    select *
    from tickets
    unpivot (value for what in (ticket_status, ticket_event))
    union all by name
    select *
    from products
    unpivot (value for what in (returned_quantity))
    union all by name
    select *
    from payments
    unpivot (value for what in (payment_success))
),

-- what came back, or was paid, stays so when an older message is sent a second time: no change that any mart knows
furthest as (
    select
        *,
        case what
            when 'status'
                then case when lower(value) = 'returned' then 2 when value ilike 'part%returned' then 1 else 0 end
            when 'ticket_status'
                then case
                        when lower(value) in (
                                'returned', 'refunded', 'exchanged', 'void', 'voided', 'cancelled', 'canceled'
                            ) then 1
                        else 0
                    end
            when 'returned_quantity' then abs(try_cast(value as decimal(18, 4)))
            when 'payment_success' then cast(try_cast(value as boolean) as integer)
            else 0
        end as stage
    from versions
),

forward as (
    select *
    from furthest
    qualify
        stage >= max(stage) over (
            partition by account, invoice_id, what, item_id
            order by received_at, has_details, file, position, item_position, record_id
        )
),

in_order as (
    select
        *,
        lag(value) over (
            partition by account, invoice_id, what, item_id
            order by received_at, has_details, file, position, item_position, record_id
        ) as previous_value
    from forward
),

-- whether it counts as sold depends on its payments (int_ticketor__invoice_terms): without its details it is not known
paid as (
    select
        account,
        order_id,
        min(first_seen_at) as first_paid_at
    from {{ ref('int_ticketor__received_payments') }}
    where kind in ('capture', 'credit_redeemed') and amount + credit_amount > 0
    group by account, order_id
),

unpaid_at_first as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.first_seen_at,
        invoices.details_seen_at,
        paid.first_paid_at
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join paid on invoices.account = paid.account and invoices.invoice_id = paid.order_id
    where
        not invoices.is_return
        and invoices.total_amount <> 0
        and coalesce(paid.first_paid_at > invoices.details_seen_at, invoices.details_seen_at is not null)
)

select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    replace(what, '_', ' ') as what,
    -- of a ticket, a product sale or a payment: which
    case when item_id = '' then '' else item_id || ': ' end || previous_value as before,
    case when item_id = '' then '' else item_id || ': ' end || value as after,
    received_at as first_seen_at
from in_order
where previous_value <> value
union all
select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    'booked' as what,
    'false' as before,
    'true' as after,
    first_paid_at as first_seen_at
from unpaid_at_first
where first_paid_at is not null
union all
select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    'booked' as what,
    'true' as before,
    'false' as after,
    details_seen_at as first_seen_at
from unpaid_at_first
where details_seen_at > first_seen_at
