-- Grain: one row per ticket sale (invoice and ticket: a ticket that came back may be sold again under its old Id), as its newest
-- version tells it. What a return lists is no sale: see int_ticketor__returned_items.
with told as (
    select tickets.*
    from {{ ref('stg_ticketor__tickets') }} as tickets
    left join {{ ref('int_ticketor__invoices') }} as own
        on tickets.account = own.account and tickets.invoice_id = own.invoice_id
    left join {{ ref('int_ticketor__invoices') }} as parent
        on tickets.account = parent.account and tickets.parent_invoice_id = parent.invoice_id
    where tickets.ticket_id is not null
        and not coalesce(own.is_return, false)
        and not coalesce(parent.is_return, false)
),

versions as (
    select
        *,
        row_number() over (
            partition by account, invoice_id, ticket_id
            order by received_at desc, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from told
),

lives as (
    select
        account,
        invoice_id,
        ticket_id,
        min(received_at) as first_seen_at,
        max(scanned_at) as scanned_at,
        -- what came back, was exchanged or voided does not become sold again when an older message is sent a second time
        coalesce(bool_or(lower(status) in ('returned', 'return', 'refunded')), false) as said_returned,
        coalesce(bool_or(lower(status) in ('exchanged', 'exchange')), false) as said_exchanged,
        coalesce(bool_or(lower(status) in ('void', 'voided', 'cancelled', 'canceled')), false) as said_voided
    from told
    group by account, invoice_id, ticket_id
)

select
    versions.account,
    versions.invoice_id,
    versions.ticket_id,
    lower(versions.status) as status,
    versions.section,
    versions.seat_row,
    versions.seat,
    versions.buy_price,
    versions.sell_price,
    versions.service_charge,
    versions.price_level,
    versions.delivery_method,
    versions.event_id,
    versions.buyer_id,
    lives.scanned_at,
    lives.said_returned,
    lives.said_exchanged,
    lives.said_voided,
    lives.first_seen_at
from versions
inner join lives
    on versions.account = lives.account
        and versions.invoice_id = lives.invoice_id
        and versions.ticket_id = lives.ticket_id
where versions.recency = 1
