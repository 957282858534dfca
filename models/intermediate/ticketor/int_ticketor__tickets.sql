-- Grain: one row per ticket sale: invoice and ticket.
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
list_prices as (
    select
        account,
        event_id,
        coalesce(price_level, '') as price_level,
        max(buy_price) as list_price
    from {{ ref('int_ticketor__sold_tickets') }}
    where event_id is not null
    group by account, event_id, coalesce(price_level, '')
),

joined as (
    select
        tickets.*,
        returned.ticket_id is not null as was_returned,
        returned.returned_at,
        greatest(tickets.scanned_at, returned.scanned_at) as last_scanned_at,
        orders.order_id is not null as has_order,
        orders.is_booked,
        orders.customer_id as order_customer_id,
        orders.currency,
        orders.ordered_at,
        coalesce(tickets.buy_price, tickets.sell_price - coalesce(tickets.service_charge, 0)) as goods,
        shares.discount_share,
        case when tickets.buy_price > 0 then tickets.buy_price else coalesce(list_prices.list_price, tickets.buy_price) end
            as list_price
    from {{ ref('int_ticketor__sold_tickets') }} as tickets
    left join {{ ref('int_ticketor__orders') }} as orders
        on tickets.account = orders.account and tickets.invoice_id = orders.order_id
    left join {{ ref('int_ticketor__discount_shares') }} as shares
        on tickets.account = shares.account
            and tickets.invoice_id = shares.invoice_id
            and shares.line_id = 'ticket:' || tickets.ticket_id
    left join returned
        on tickets.account = returned.account
            and tickets.invoice_id = returned.sale_id
            and tickets.ticket_id = returned.ticket_id
    left join list_prices
        on tickets.account = list_prices.account
            and tickets.event_id = list_prices.event_id
            and coalesce(tickets.price_level, '') = list_prices.price_level
)

select
    'ticketor' as platform,
    account,
    ticket_id,
    invoice_id as order_id,
    event_id,
    coalesce(buyer_id, order_customer_id) as customer_id,
    case
        when said_returned or was_returned then 'returned'
        when said_exchanged then 'exchanged'
        when said_voided then 'voided'
        when coalesce(status, 'sold') <> 'sold' then status
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
    cast(goods - coalesce(discount_share, 0) as decimal(18, 4)) as price,
    service_charge,
    sell_price as price_paid,
    case when has_order then coalesce(discount_share, cast(0 as decimal(18, 4))) end as discount_amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency,
    ordered_at as sold_at,
    returned_at as voided_at,
    last_scanned_at as scanned_at,
    delivery_method,
    cast(null as varchar) as source,
    first_seen_at
from joined
