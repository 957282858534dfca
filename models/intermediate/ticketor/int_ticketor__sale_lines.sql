-- Grain: one row per signed amount that an invoice charges; what is given back is in int_ticketor__refund_lines.
with orders as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.currency,
        invoices.date_basis,
        case when paid.is_booked then invoices.dated_at end as booked_at,
        events.event_id,
        terms.service_charge,
        terms.delivery,
        terms.tip,
        terms.tax,
        cast(-terms.discount_left as decimal(18, 4)) as discount,
        -- an exchange charges the difference alone: what was paid for the tickets given up stands against the new ones
        case when {{ is_exchange('invoices.order_type') }} then terms.unexplained end as exchange
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
    inner join {{ ref('int_ticketor__order_payments') }} as paid
        on invoices.account = paid.account and invoices.invoice_id = paid.invoice_id
    left join {{ ref('int_ticketor__order_events') }} as events
        on invoices.account = events.account and invoices.invoice_id = events.invoice_id
),

of_items as (
    select
        items.account,
        items.invoice_id,
        items.line_id,
        items.line_kind,
        -- what is no ticket goes with the tickets of its invoice, where those are all for one event
        case when items.ticket_id is not null then items.event_id else orders.event_id end as event_id,
        items.ticket_id,
        items.product_sale_id,
        items.amount,
        items.fee,
        items.tax as tax_amount,
        orders.currency,
        orders.booked_at,
        orders.date_basis
    from {{ ref('int_ticketor__priced_items') }} as items
    inner join orders
        on items.account = orders.account and items.invoice_id = orders.invoice_id
),

of_orders as (
    select *
    from orders
    unpivot (amount for line_id in (service_charge, delivery, tip, tax, discount, exchange))
    where amount <> 0
)

select
    account,
    invoice_id,
    line_id,
    line_kind,
    event_id,
    ticket_id,
    product_sale_id,
    amount,
    tax_amount,
    currency,
    booked_at,
    date_basis
from of_items
union all
select
    account,
    invoice_id,
    'fee:' || ticket_id as line_id,
    'buyer_fee' as line_kind,
    event_id,
    ticket_id,
    cast(null as varchar) as product_sale_id,
    fee as amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency,
    booked_at,
    date_basis
from of_items
where fee <> 0
union all
select
    account,
    invoice_id,
    line_id,
    case line_id
        when 'service_charge' then 'buyer_fee'
        when 'exchange' then 'ticket'
        else line_id
    end as line_kind,
    event_id,
    cast(null as varchar) as ticket_id,
    cast(null as varchar) as product_sale_id,
    amount,
    cast(null as decimal(18, 4)) as tax_amount,
    currency,
    booked_at,
    date_basis
from of_orders
