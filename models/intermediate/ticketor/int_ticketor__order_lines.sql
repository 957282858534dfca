-- Grain: one row per signed amount of an invoice: what it charged, and what it or a return gave back.
{{ config(materialized='touched') }}

with credits as (
    select
        payments.account,
        payments.order_id as invoice_id,
        'credit:' || payments.payment_id as line_id,
        'gift_card' as line_kind,
        orders.event_id,
        cast(-payments.credit_amount as decimal(18, 4)) as amount,
        payments.currency,
        payments.paid_at as booked_at,
        payments.paid_at_basis as date_basis
    from {{ touched('int_ticketor__payments') }} as payments
    inner join {{ touched('int_ticketor__orders') }} as orders
        on payments.account = orders.account and payments.order_id = orders.order_id
    where
        payments.kind = 'credit_issued'
        and {{ is_return('orders.order_type') }}
        and payments.credit_amount <> 0
),

lines as (
    select
        *,
        cast(null as varchar) as refund_of
    from {{ ref('int_ticketor__sale_lines') }}
    union all by name
    select
        *,
        'refund' as line_kind
    from {{ ref('int_ticketor__refund_lines') }}
    union all by name
    select *
    from credits
)

select
    'ticketor' as platform,
    account,
    invoice_id as order_id,
    line_id,
    event_id,
    ticket_id,
    product_sale_id,
    line_kind,
    refund_of,
    cast(amount as decimal(18, 4)) as amount,
    tax_amount,
    currency,
    booked_at,
    date_basis
from lines
-- a line that costs more than an amount can be stays in the order's unexplained rest
where amount is not null
