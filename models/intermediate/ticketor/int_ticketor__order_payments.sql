-- Grain: one row per invoice that has payments, whatever became of them.
select
    account,
    order_id,
    count(*) as payments,
    coalesce(sum(amount) filter (where kind = 'capture'), 0) as captured,
    coalesce(sum(credit_amount) filter (where kind = 'credit_redeemed'), 0) as redeemed,
    coalesce(sum(-amount) filter (where kind = 'refund'), 0) as refunded,
    coalesce(sum(credit_amount) filter (where kind = 'credit_issued'), 0) as credited
from {{ ref('int_ticketor__received_payments') }}
group by account, order_id
