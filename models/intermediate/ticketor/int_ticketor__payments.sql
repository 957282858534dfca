-- Grain: one row per payment; and one per return whose payments are known and that has had none for a week: it gave
-- credit. Until then what it gives back is still due.
{{ config(materialized='touched') }}

with newest_receipts as (
    {{ newest_receipts() }}
),

credits as (
    select
        invoices.account,
        invoices.invoice_id || ':credit' as payment_id,
        invoices.invoice_id as order_id,
        invoices.buyer_id as customer_id,
        invoices.dated_at as paid_at,
        invoices.date_basis as paid_at_basis,
        'credit_issued' as kind,
        cast(0 as decimal(18, 4)) as amount,
        cast(abs(invoices.total_amount) as decimal(18, 4)) as credit_amount,
        invoices.currency,
        true as is_success,
        invoices.agent_id,
        invoices.first_seen_at
    from {{ ref('int_ticketor__invoices') }} as invoices
    inner join {{ ref('int_ticketor__invoice_terms') }} as terms
        on invoices.account = terms.account and invoices.invoice_id = terms.invoice_id
    inner join newest_receipts on invoices.account = newest_receipts.account
    where
        {{ credit_is_certain('invoices.first_seen_at', 'newest_receipts.received_at') }}
        and invoices.is_return
        and terms.is_booked
        and terms.payments_known
        and terms.payments = 0
        and invoices.total_amount <> 0
),

payments as (
    select * exclude (lowest_invoice_id, highest_invoice_id)
    from {{ ref('int_ticketor__received_payments') }}
    union all by name
    select *
    from credits
)

select
    'ticketor' as platform,
    account,
    payment_id,
    order_id,
    customer_id,
    paid_at,
    paid_at_basis,
    method,
    charge_method,
    cast(null as varchar) as processor_reference,
    kind,
    cast(amount as decimal(18, 4)) as amount,
    amount_as_given,
    cast(credit_amount as decimal(18, 4)) as credit_amount,
    currency,
    is_success,
    platform_deduction,
    agent_id,
    cash_register_id,
    first_seen_at
from payments
