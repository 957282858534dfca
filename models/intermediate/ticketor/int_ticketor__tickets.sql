-- Grain: one row per ticket sale: invoice and ticket.
{{ config(materialized='touched') }}

with returned as (
    select
        account,
        sale_id,
        item_id as ticket_id,
        min(returned_at) as returned_at,
        max(scanned_at) as scanned_at
    from {{ ref('int_ticketor__returned_items') }}
    where item = 'ticket'
    group by account, sale_id, item_id
),

-- what a ticket given away would have cost: the highest price of its event and price level
highest_prices as (
    select
        account,
        event_id,
        coalesce(price_level, '') as price_level,
        max(buy_price) as highest_price
    from {{ ref('int_ticketor__sold_tickets') }}
    where event_id is not null
    group by account, event_id, coalesce(price_level, '')
),

joined as (
    select
        tickets.*,
        items.amount,
        items.discount_share,
        invoices.currency,
        invoices.ordered_at,
        invoices.said_returned as order_returned,
        coalesce(tickets.buyer_id, invoices.buyer_id) as customer_id,
        terms.is_booked,
        terms.is_given_up,
        returned.ticket_id is not null as was_returned,
        returned.returned_at,
        greatest(tickets.scanned_at, returned.scanned_at) as last_scanned_at,
        case
            when tickets.buy_price > 0 then tickets.buy_price
            else nullif(greatest(highest.highest_price, 0), 0)
        end as list_price
    from {{ touched('int_ticketor__sold_tickets') }} as tickets
    -- a ticket may name no invoice
    inner join {{ ref('int_ticketor__priced_items') }} as items
        on
            tickets.account = items.account
            and tickets.invoice_id is not distinct from items.invoice_id
            and tickets.ticket_id = items.ticket_id
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on tickets.account = invoices.account and tickets.invoice_id = invoices.invoice_id
    left join {{ ref('int_ticketor__invoice_terms') }} as terms
        on tickets.account = terms.account and tickets.invoice_id = terms.invoice_id
    left join returned
        on
            tickets.account = returned.account
            and tickets.invoice_id = returned.sale_id
            and tickets.ticket_id = returned.ticket_id
    left join highest_prices as highest
        on
            tickets.account = highest.account
            and tickets.event_id = highest.event_id
            and coalesce(tickets.price_level, '') = highest.price_level
)

select
    'ticketor' as platform,
    account,
    ticket_id,
    invoice_id as order_id,
    event_id,
    customer_id,
    case
        when said_returned or was_returned then 'returned'
        when said_exchanged then 'exchanged'
        when said_voided then 'voided'
        when order_returned then 'returned'
        when is_given_up then 'voided'
        -- no message says when it is paid: its order does
        when status <> 'sold' and not (status = 'reserved' and coalesce(is_booked, false)) then status
        when not is_booked then 'reserved'
        else 'sold'
    end as status,
    case
        when sell_price > 0 then 'paid'
        when sell_price is null or sell_price < 0 then 'unknown'
        when list_price > 0 then 'comp'
        else 'free_event'
    end as admission_kind,
    section,
    seat_row,
    seat,
    price_level as ticket_type,
    list_price,
    amount as price,
    service_charge,
    sell_price as price_paid,
    coalesce(discount_share, 0) as discount_amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency,
    ordered_at as sold_at,
    returned_at as voided_at,
    last_scanned_at as scanned_at,
    delivery_method,
    cast(null as varchar) as source,
    first_seen_at
from joined
