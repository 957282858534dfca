-- Grain: one row per change of an invoice, or of something on it, between two of its versions as they came.
with invoice_versions as (
    select
        account,
        invoice_id,
        received_at,
        unnest([
            {'what': 'status', 'now': return_status},
            {'what': 'total', 'now': cast(total as varchar)},
            {'what': 'type', 'now': invoice_type}
        ], recursive := true),
        '' as item_id,
        has_details,
        file,
        position,
        0 as item_position,
        record_id
    from {{ ref('stg_ticketor__invoices') }}
    where invoice_id is not null
),

ticket_versions as (
    select
        account,
        invoice_id,
        received_at,
        unnest([
            {'what': 'ticket status', 'now': status},
            {'what': 'event', 'now': event_id}
        ], recursive := true),
        ticket_id as item_id,
        true as has_details,
        file,
        position,
        item_position,
        record_id
    from {{ ref('stg_ticketor__tickets') }}
    where ticket_id is not null
),

product_versions as (
    select
        account,
        invoice_id,
        received_at,
        'returned quantity' as what,
        cast(returned_quantity as varchar) as now,
        product_sale_id as item_id,
        true as has_details,
        file,
        position,
        item_position,
        record_id
    from {{ ref('stg_ticketor__product_sales') }}
    where product_sale_id is not null
),

payment_versions as (
    select
        account,
        invoice_id,
        received_at,
        'payment success' as what,
        cast(is_success as varchar) as now,
        payment_id as item_id,
        true as has_details,
        file,
        position,
        item_position,
        record_id
    from {{ ref('stg_ticketor__payments') }}
    where payment_id is not null
),

versions as (
    select * from invoice_versions
    union all by name
    select * from ticket_versions
    union all by name
    select * from product_versions
    union all by name
    select * from payment_versions
),

-- what has changed at all, before anything is sorted
moving as (
    select
        account,
        invoice_id,
        what,
        item_id
    from versions
    where now is not null
    group by account, invoice_id, what, item_id
    having min(now) <> max(now)
),

ordered as (
    select
        versions.account,
        versions.invoice_id,
        versions.what,
        versions.now,
        versions.received_at,
        lag(versions.now) over (
            partition by versions.account, versions.invoice_id, versions.what, versions.item_id
            order by
                versions.received_at,
                versions.has_details,
                versions.file,
                versions.position,
                versions.item_position,
                versions.record_id
        ) as before
    from versions
    inner join moving
        on versions.account = moving.account
            and versions.invoice_id = moving.invoice_id
            and versions.what = moving.what
            and versions.item_id = moving.item_id
    where versions.now is not null
)

select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    what,
    before,
    now as after,
    received_at as first_seen_at
from ordered
where before <> now
