-- What a ticket was sold for is its line in the ledger, and each ticket of an order that came has one.
-- A row here is a ticket whose price and line differ.
with lines as (
    select
        ticket_key,
        sum(amount) as amount,
        count(*) as how_many
    from {{ touched('fct_order_lines') }}
    where line_kind = 'ticket' and ticket_key is not null
    group by ticket_key
)

select
    tickets.ticket_key,
    tickets.ticket_id,
    tickets.order_id,
    tickets.price,
    lines.amount,
    lines.how_many
from {{ touched('fct_tickets') }} as tickets
inner join {{ touched('fct_orders') }} as orders on tickets.order_key = orders.order_key
left join lines on tickets.ticket_key = lines.ticket_key
where tickets.price is distinct from lines.amount or lines.how_many > 1
