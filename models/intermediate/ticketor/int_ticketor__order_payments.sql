-- Grain: one row per invoice: whether its payments are known, and what they came to.
with payments as (
    select
        account,
        order_id,
        count(*) as payments,
        sum(amount) filter (where kind = 'capture') as captured,
        sum(credit_amount) filter (where kind = 'credit_redeemed') as redeemed
    from {{ ref('int_ticketor__received_payments') }}
    group by account, order_id
),

-- a payment told of two invoices is counted for one, but neither was left unpaid
named as (
    select distinct
        account,
        unnest([lowest_invoice_id, highest_invoice_id]) as invoice_id
    from {{ ref('int_ticketor__received_payments') }}
    where
        lowest_invoice_id <> highest_invoice_id
        and (amount > 0 or (kind = 'credit_redeemed' and credit_amount > 0))
)

select
    invoices.account,
    invoices.invoice_id,
    coalesce(payments.payments, 0) as payments,
    invoices.details_seen or payments.payments is not null as payments_known,
    coalesce(payments.captured, 0) + coalesce(payments.redeemed, 0) as paid,
    -- nothing paid, in money or credit, on an invoice whose payments we were told of: seats held, not sold
    (
        invoices.is_return
        or not (invoices.details_seen or payments.payments is not null)
        or coalesce(invoices.total_amount = 0, false)
        or coalesce(payments.captured, 0) + coalesce(payments.redeemed, 0) > 0
        or named.invoice_id is not null
    ) as is_booked
from {{ ref('int_ticketor__invoices') }} as invoices
left join payments
    on invoices.account = payments.account and invoices.invoice_id = payments.order_id
left join named
    on invoices.account = named.account and invoices.invoice_id = named.invoice_id
