-- Grain: one row per change of an invoice, or of something on it, between two of its versions as they came.
with invoices as (
    select
        account,
        invoice_id,
        '' as item_id,
        received_at,
        has_details,
        file,
        position,
        cast(0 as bigint) as item_position,
        record_id,
        return_status as status,
        cast(total as varchar) as total,
        invoice_type as type
    from {{ ref('stg_ticketor__invoices') }}
    where invoice_id is not null
),

tickets as (
    select
        account,
        invoice_id,
        ticket_id as item_id,
        received_at,
        true as has_details,
        file,
        position,
        item_position,
        record_id,
        status as ticket_status,
        event_id as ticket_event
    from {{ ref('stg_ticketor__tickets') }}
    where ticket_id is not null
),

products as (
    select
        account,
        invoice_id,
        product_sale_id as item_id,
        received_at,
        true as has_details,
        file,
        position,
        item_position,
        record_id,
        'returned_quantity' as what,
        cast(returned_quantity as varchar) as value
    from {{ ref('stg_ticketor__product_sales') }}
    where product_sale_id is not null and returned_quantity is not null
),

payments as (
    select
        account,
        invoice_id,
        payment_id as item_id,
        received_at,
        true as has_details,
        file,
        position,
        item_position,
        record_id,
        'payment_success' as what,
        cast(is_success as varchar) as value
    from {{ ref('stg_ticketor__payments') }}
    where payment_id is not null and is_success is not null
),

versions as (
    select *
    from invoices
    unpivot (value for what in (status, total, type))
    union all by name
    select *
    from tickets
    unpivot (value for what in (ticket_status, ticket_event))
    union all by name
    select *
    from products
    union all by name
    select *
    from payments
),

-- what changed at all, before anything is sorted
changed as (
    select
        account,
        invoice_id,
        what,
        item_id
    from versions
    group by account, invoice_id, what, item_id
    having min(value) <> max(value)
),

in_order as (
    select
        versions.account,
        versions.invoice_id,
        versions.what,
        versions.item_id,
        versions.received_at,
        versions.value,
        lag(versions.value) over (
            partition by versions.account, versions.invoice_id, versions.what, versions.item_id
            order by
                versions.received_at,
                versions.has_details,
                versions.file,
                versions.position,
                versions.item_position,
                versions.record_id
        ) as previous_value
    from versions
    inner join changed
        on
            versions.account = changed.account
            and versions.invoice_id = changed.invoice_id
            and versions.what = changed.what
            and versions.item_id = changed.item_id
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
