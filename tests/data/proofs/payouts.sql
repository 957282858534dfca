-- What processors moved is in rpt_payouts whole and once. In a file of its own, which no sale asks for.
select
    'rpt_payouts has each movement once, and each payment at most once' as proof,
    null as platform,
    null as account,
    null as order_id,
    key || ' is in ' || count(*) filter (where is_reported) || ' rows' as explanation
from (
    select
        balance_transaction_key as key,
        false as is_reported
    from {{ ref('fct_balance_transactions') }}
    union all
    select
        unnest([balance_transaction_key, payment_key]) as key,
        true as is_reported
    from {{ ref('rpt_payouts') }}
)
where key is not null
group by key
having count(*) filter (where is_reported) <> 1
