-- Grain: one row per payment, by its Id alone (the same Id under two invoices is one payment), as in its
-- newest version, and what it did: money in, money back, credit, or nothing.
{{ config(schema='last_build') }}

with delivered as (
    select
        payments.*,
        -- money going back that a return lists is the return's, whichever invoice it names
        case
            when payments.amount < 0 or upper(payments.charge_method) = 'CREDIT' then parent.invoice_id
        end as return_id
    from {{ distinct_deliveries('stg_ticketor__payments') }} as payments
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
        max(received_at) over payment as last_heard_at,
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
    from delivered
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
    select distinct lower({{ cleaned('payment_type') }}) as payment_type
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
),

-- a return without a payment back: what went back for it may be among the payments of its sale
open_returns as (
    select
        returns.account,
        returns.invoice_id as return_id,
        returns.related_invoice_id as sale_id,
        abs(returns.total_amount) as amount,
        returns.dated_at,
        min(returns.dated_at) over (partition by returns.account, returns.related_invoice_id) as first_dated_at,
        row_number() over (
            partition by returns.account, returns.related_invoice_id, abs(returns.total_amount)
            order by returns.dated_at, returns.invoice_id
        ) as place
    from {{ ref('int_ticketor__invoices') }} as returns
    anti join judged
        on
            returns.account = judged.account
            and returns.invoice_id = judged.order_id
            and judged.kind in ('refund', 'credit_issued')
    where returns.is_return and returns.related_invoice_id is not null
),

-- what went back long before was for something else
unlisted as (
    select
        judged.account,
        judged.payment_id,
        judged.order_id as sale_id,
        abs(judged.amount) as amount,
        judged.paid_at,
        row_number() over (
            partition by judged.account, judged.order_id, abs(judged.amount)
            order by judged.paid_at, judged.payment_id
        ) as place
    from judged
    semi join open_returns
        on
            judged.account = open_returns.account
            and judged.order_id = open_returns.sale_id
            and coalesce(judged.paid_at, judged.first_seen_at) >= open_returns.first_dated_at - interval 1 day
    where judged.kind in ('refund', 'credit_issued')
),

of_one_amount as (
    select
        unlisted.account,
        unlisted.payment_id,
        open_returns.return_id
    from unlisted
    inner join open_returns
        on
            unlisted.account = open_returns.account
            and unlisted.sale_id = open_returns.sale_id
            and unlisted.amount = open_returns.amount
            and unlisted.place = open_returns.place
),

returns_left as (
    select
        open_returns.account,
        open_returns.sale_id,
        open_returns.return_id,
        row_number() over (
            partition by open_returns.account, open_returns.sale_id
            order by open_returns.dated_at, open_returns.return_id
        ) as place,
        count(*) over (partition by open_returns.account, open_returns.sale_id) as how_many
    from open_returns
    anti join of_one_amount
        on open_returns.account = of_one_amount.account and open_returns.return_id = of_one_amount.return_id
),

payments_left as (
    select
        unlisted.account,
        unlisted.sale_id,
        unlisted.payment_id,
        row_number() over (
            partition by unlisted.account, unlisted.sale_id order by unlisted.paid_at, unlisted.payment_id
        ) as place
    from unlisted
    anti join of_one_amount
        on unlisted.account = of_one_amount.account and unlisted.payment_id = of_one_amount.payment_id
),

-- each return takes the payment of its own amount; of the others the first takes the first, the last all that are left
taken as (
    select *
    from of_one_amount
    union all
    select
        payments_left.account,
        payments_left.payment_id,
        returns_left.return_id
    from payments_left
    inner join returns_left
        on
            payments_left.account = returns_left.account
            and payments_left.sale_id = returns_left.sale_id
            and least(payments_left.place, returns_left.how_many) = returns_left.place
),

settled as (
    select judged.* replace (coalesce(taken.return_id, judged.order_id) as order_id)
    from judged
    left join taken on judged.account = taken.account and judged.payment_id = taken.payment_id
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
    first_seen_at,
    last_heard_at
from settled
