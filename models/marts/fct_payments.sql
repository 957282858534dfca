-- One row per movement of money; attempts that moved none, and credit, are kept with amount 0.
{{ config(materialized='touched') }}

select
    {{ key(['payments.platform', 'payments.account', 'payments.payment_id']) }} as payment_key,
    payments.platform,
    payments.account,
    payments.payment_id,
    {{ key(['payments.platform', 'payments.account', 'payments.order_id']) }} as order_key,
    payments.order_id,
    customers.customer_key,
    customers.person_key,
    payments.paid_at,
    {{ account_day('coalesce(payments.paid_at, payments.first_seen_at)', 'zones') }} as paid_on,
    payments.paid_at_basis,
    payments.method,
    payments.charge_method,
    payments.processor_reference,
    payments.kind,
    payments.amount,
    payments.amount_as_given,
    payments.credit_amount,
    payments.currency,
    payments.is_success,
    payments.platform_deduction,
    {{ key(['payments.platform', 'payments.account', 'payments.agent_id']) }} as agent_key,
    payments.cash_register_id,
    payments.first_seen_at
from {{ touched_of_both('payments') }} as payments
left join {{ ref('int_reporting_zones') }} as zones
    on payments.platform = zones.platform and payments.account = zones.account
left join {{ ref('dim_customers') }} as customers
    on
        payments.platform = customers.platform
        and payments.account = customers.account
        and payments.customer_id = customers.customer_id
