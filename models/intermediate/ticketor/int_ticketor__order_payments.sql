-- Grain: one row per invoice: whether its payments are known, and what they came to.
with payments as (
    select
        payments.account,
        payments.order_id,
        count(*) as payments,
        bool_or(payments.kind in ('refund', 'credit_issued')) as gave_back,
        bool_or(
            payments.kind in ('capture', 'credit_redeemed') and payments.amount + payments.credit_amount > 0
        ) as brought_in,
        bool_or(
            payments.currency <> invoices.currency and payments.amount + payments.credit_amount <> 0
        ) as in_other_currency,
        -- amounts of two currencies are never added up
        sum(payments.amount + payments.credit_amount) filter (
            where payments.kind in ('capture', 'credit_redeemed')
            and payments.currency is not distinct from invoices.currency
        ) as paid
    from {{ ref('int_ticketor__received_payments') }} as payments
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on payments.account = invoices.account and payments.order_id = invoices.invoice_id
    group by payments.account, payments.order_id
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
),

orders as (
    select
        invoices.account,
        invoices.invoice_id,
        invoices.is_return,
        invoices.related_invoice_id,
        invoices.total_amount,
        coalesce(payments.gave_back, false) as gave_back,
        coalesce(payments.payments, 0) as payments,
        invoices.details_seen or payments.payments is not null as payments_known,
        coalesce(payments.paid, 0) as paid,
        coalesce(payments.in_other_currency, false) as in_other_currency,
        -- nothing paid, in money or credit, on an invoice whose payments we were told of: seats held, not sold
        (
            invoices.is_return
            or not (invoices.details_seen or payments.payments is not null)
            or coalesce(invoices.total_amount = 0, false)
            or coalesce(payments.brought_in, false)
            or named.invoice_id is not null
        ) as is_booked
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join payments
        on invoices.account = payments.account and invoices.invoice_id = payments.order_id
    left join named
        on invoices.account = named.account and invoices.invoice_id = named.invoice_id
),

-- nothing was paid, so nothing is given back: the return takes what is owed off its sale, and no more
given_up as (
    select
        returns.account,
        returns.invoice_id,
        orders.invoice_id as sale_id,
        -returns.total_amount as amount
    from orders as returns
    inner join orders
        on returns.account = orders.account and returns.related_invoice_id = orders.invoice_id
    where returns.is_return and not returns.gave_back and not orders.is_booked
),

given_up_of_sales as (
    select
        account,
        sale_id,
        sum(amount) as amount
    from given_up
    group by account, sale_id
)

select
    orders.account,
    orders.invoice_id,
    orders.payments,
    orders.payments_known,
    orders.paid,
    orders.in_other_currency,
    orders.is_booked and given_up.invoice_id is null as is_booked,
    coalesce(given_up_of_sales.amount >= orders.total_amount, false) as is_given_up
from orders
left join given_up
    on orders.account = given_up.account and orders.invoice_id = given_up.invoice_id
left join given_up_of_sales
    on orders.account = given_up_of_sales.account and orders.invoice_id = given_up_of_sales.sale_id
