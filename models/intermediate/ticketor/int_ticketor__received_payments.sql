-- Grain: one row per payment, by its Id alone (the same Id under two invoices is one payment told twice), as its newest version
-- tells it, and what it did: money in, money back, credit, or nothing.
with told as (
    select
        payments.*,
        -- money going back that a return lists is the return's, whichever invoice it names
        case
            when parent.is_return and (payments.amount < 0 or upper(payments.charge_method) = 'CREDIT') then parent.invoice_id
            else payments.invoice_id
        end as order_id
    from {{ ref('stg_ticketor__payments') }} as payments
    left join {{ ref('int_ticketor__invoices') }} as parent
        on payments.account = parent.account and payments.parent_invoice_id = parent.invoice_id
    where payments.payment_id is not null
),

versions as (
    select
        *,
        row_number() over (
            partition by account, payment_id
            order by received_at desc, is_success desc nulls last, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from told
),

lives as (
    select
        account,
        payment_id,
        min(received_at) as first_seen_at,
        count(distinct order_id) as invoices_seen,
        string_agg(distinct order_id, ', ' order by order_id) as invoice_ids
    from told
    group by account, payment_id
),

credit_types as (
    select distinct lower(trim(payment_type)) as payment_type
    from {{ ref('ticketor_payment_types') }}
    where is_credit
),

placed as (
    select
        versions.*,
        lives.first_seen_at,
        lives.invoices_seen,
        lives.invoice_ids,
        invoices.currency as order_currency,
        invoices.buyer_id as order_buyer_id,
        invoices.agent_id,
        credit_types.payment_type is not null as is_credit,
        coalesce(invoices.is_return, false)
        or upper(versions.charge_method) is not distinct from 'CREDIT'
        or coalesce(versions.amount < 0, false) as gives_back
    from versions
    inner join lives
        on versions.account = lives.account and versions.payment_id = lives.payment_id
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on versions.account = invoices.account and versions.order_id = invoices.invoice_id
    left join credit_types
        on lower(versions.payment_type) = credit_types.payment_type
    where versions.recency = 1
),

judged as (
    select
        *,
        case
            when not is_success then 'failed'
            when upper(charge_method) = 'AUTH_ONLY' then 'authorisation'
            when upper(charge_method) = 'VOID' then 'void'
            when is_credit and gives_back then 'credit_issued'
            when is_credit then 'credit_redeemed'
            when gives_back then 'refund'
            else 'capture'
        end as kind
    from placed
)

select
    account,
    payment_id,
    order_id,
    coalesce(buyer_id, order_buyer_id) as customer_id,
    coalesce(paid_at, first_seen_at) as paid_at,
    case when paid_at is null then 'first_seen' else 'platform' end as paid_at_basis,
    payment_type as method,
    charge_method,
    kind,
    cast(case kind when 'capture' then amount when 'refund' then -abs(amount) else 0 end as decimal(18, 4)) as amount,
    amount as amount_as_given,
    cast(case when kind in ('credit_issued', 'credit_redeemed') then abs(amount) else 0 end as decimal(18, 4)) as credit_amount,
    coalesce(currency, order_currency) as currency,
    order_currency,
    is_success,
    platform_deduction,
    agent_id,
    cash_register_id,
    invoices_seen,
    invoice_ids,
    first_seen_at
from judged
