-- Grain: one row per payment, by its Id alone (the same Id under two invoices is one payment told twice), as its
-- newest version tells it, and what it did: money in, money back, credit, or nothing.
with told as (
    select
        payments.*,
        -- money going back that a return lists is the return's, whichever invoice it names
        case
            when payments.amount < 0 or upper(payments.charge_method) = 'CREDIT' then parent.invoice_id
        end as return_id
    from {{ touched('stg_ticketor__payments') }} as payments
    left join {{ ref('int_ticketor__invoices') }} as parent
        on
            payments.account = parent.account
            and payments.parent_invoice_id = parent.invoice_id
            and parent.is_return
    where payments.payment_id is not null
),

versions as (
    select
        *,
        min(received_at) over payment as first_seen_at,
        max(return_id) over payment as listed_by_return,
        min(invoice_id) over payment as lowest_invoice_id,
        max(invoice_id) over payment as highest_invoice_id,
        -- what succeeded once does not become a failure because an older message was sent a second time
        row_number() over (
            partition by account, payment_id
            order by
                coalesce(is_success, true) desc,
                received_at desc,
                file desc,
                position desc,
                item_position desc,
                record_id desc
        ) as recency
    from told
    window payment as (partition by account, payment_id)
),

newest as (
    select
        *,
        coalesce(listed_by_return, invoice_id) as order_id
    from versions
    where recency = 1
),

credit_types as (
    select distinct lower(trim(payment_type)) as payment_type
    from {{ ref('ticketor_payment_types') }}
    where is_credit
),

placed as (
    select
        newest.*,
        invoices.currency as order_currency,
        invoices.buyer_id as order_buyer_id,
        invoices.agent_id,
        credit_types.payment_type is not null as is_credit,
        (
            coalesce(invoices.is_return, false)
            or coalesce(upper(newest.charge_method) = 'CREDIT', false)
            or coalesce(newest.amount < 0, false)
        ) as gives_back
    from newest
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on newest.account = invoices.account and newest.order_id = invoices.invoice_id
    left join credit_types
        on lower(newest.payment_type) = credit_types.payment_type
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
    case kind
        when 'capture' then coalesce(amount, 0)
        when 'refund' then cast(-abs(coalesce(amount, 0)) as decimal(18, 4))
        else 0
    end as amount,
    amount as amount_as_given,
    case when kind in ('credit_issued', 'credit_redeemed') then abs(coalesce(amount, 0)) else 0 end as credit_amount,
    coalesce(currency, order_currency) as currency,
    is_success,
    platform_deduction,
    agent_id,
    cash_register_id,
    lowest_invoice_id,
    highest_invoice_id,
    first_seen_at
from judged
