-- Money that went back stands in the ledger as it stands in the payments, order by order and day by day.
-- A row here is an order and day on which they differ. (Where payments are not known, the ledger has only the totals.)
with payments as (
    select
        order_key,
        paid_on as gone_on,
        sum(amount) as amount
    from {{ touched('fct_payments') }}
    where kind = 'refund'
    group by all
    having sum(amount) <> 0
),

lines as (
    select
        order_key,
        booked_on as gone_on,
        sum(amount) as amount
    from {{ touched('fct_order_lines') }}
    where line_kind = 'refund'
    group by all
    having sum(amount) <> 0
)

select
    orders.order_id,
    coalesce(payments.gone_on, lines.gone_on) as gone_on,
    payments.amount as in_payments,
    lines.amount as in_lines
from payments
full outer join lines on payments.order_key = lines.order_key and payments.gone_on = lines.gone_on
inner join {{ touched('fct_orders') }} as orders on coalesce(payments.order_key, lines.order_key) = orders.order_key
where orders.payments_known and payments.amount is distinct from lines.amount
