-- Grain: one row per ticket sale (invoice and ticket: a ticket that came back may be sold again under its old Id),
-- as in its newest version. What a return lists under its own number is no sale: see
-- int_ticketor__returned_items.
{{ config(materialized='touched', meta={'touched_by': "account, coalesce(invoice_id, '')"}) }}

with returns as (
    select
        account,
        invoice_id
    from {{ ref('int_ticketor__invoices') }}
    where is_return
),

delivered as (
    select
        tickets.*,
        parent.invoice_id is not null as is_on_return
    from {{ distinct_deliveries('stg_ticketor__tickets') }} as tickets
    left join returns as own
        on tickets.account = own.account and tickets.invoice_id = own.invoice_id
    left join returns as parent
        on tickets.account = parent.account and tickets.parent_invoice_id = parent.invoice_id
    where
        tickets.ticket_id is not null
        and own.invoice_id is null
),

versions as (
    select
        *,
        min(received_at) over sale as first_seen_at,
        max(scanned_at) over sale as last_scanned_at,
        -- what came back, was exchanged or voided is not sold again because an older message was sent a second time
        coalesce(bool_or(lower(status) in ('returned', 'refunded')) over sale, false) as said_returned,
        coalesce(bool_or(lower(status) = 'exchanged') over sale, false) as said_exchanged,
        coalesce(bool_or(lower(status) in ('void', 'voided', 'cancelled', 'canceled')) over sale, false) as said_voided,
        -- what a return says of the prices of a sale counts only where nothing else does
        row_number() over (
            partition by account, invoice_id, ticket_id
            order by is_on_return asc, received_at desc, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from delivered
    window sale as (partition by account, invoice_id, ticket_id)
)

select
    account,
    invoice_id,
    ticket_id,
    lower(status) as status,
    section,
    seat_row,
    seat,
    buy_price,
    sell_price,
    service_charge,
    -- what it costs comes twice, as BuyPrice and ServiceCharge and as SellPrice: int_ticketor__invoice_terms chooses
    coalesce(buy_price, sell_price - coalesce(service_charge, 0), 0) as goods,
    coalesce(service_charge, 0) as fee,
    coalesce(greatest(sell_price - coalesce(service_charge, 0), least(sell_price, 0)), buy_price, 0) as goods_sold,
    coalesce(least(coalesce(service_charge, 0), greatest(sell_price, 0)), service_charge, 0) as fee_sold,
    price_level,
    delivery_method,
    event_id,
    buyer_id,
    last_scanned_at as scanned_at,
    said_returned,
    said_exchanged,
    said_voided,
    first_seen_at
from versions
where recency = 1
