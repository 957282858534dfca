-- Grain: one row per payment; and one per return that paid nothing back, which gave credit.
with credits as (
    select
        invoices.account,
        invoices.invoice_id || ':credit' as payment_id,
        invoices.invoice_id as order_id,
        invoices.buyer_id as customer_id,
        coalesce(invoices.ordered_at, invoices.first_seen_at) as paid_at,
        case when invoices.ordered_at is null then 'first_seen' else 'platform' end as paid_at_basis,
        'credit_issued' as kind,
        cast(0 as decimal(18, 4)) as amount,
        abs(invoices.total_amount) as credit_amount,
        invoices.currency,
        true as is_success,
        invoices.agent_id,
        invoices.first_seen_at
    from {{ ref('int_ticketor__invoices') }} as invoices
    left join {{ ref('int_ticketor__order_payments') }} as paid
        on invoices.account = paid.account and invoices.invoice_id = paid.order_id
    where invoices.is_return
        and invoices.details_seen
        and paid.order_id is null
        and invoices.total_amount <> 0
),

payments as (
    select
        account,
        payment_id,
        order_id,
        customer_id,
        paid_at,
        paid_at_basis,
        method,
        charge_method,
        kind,
        amount,
        amount_as_given,
        credit_amount,
        currency,
        is_success,
        platform_deduction,
        agent_id,
        cash_register_id,
        first_seen_at
    from {{ ref('int_ticketor__received_payments') }}
    union all by name
    select * from credits
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
    amount,
    amount_as_given,
    credit_amount,
    currency,
    is_success,
    platform_deduction,
    agent_id,
    cash_register_id,
    first_seen_at
from payments
