-- One row per month, account, currency, posting and account code: what it began with, what moved, what it ended with.
{{ config(materialized='view') }}

with balances as (
    {{ carried_forward(
        ['platform', 'account', 'currency', 'posting', 'code'],
        {
            'debits': 'sum(amount) filter (where amount > 0)',
            'credits': '-sum(amount) filter (where amount < 0)',
            'adjustments': "sum(amount) filter (where state = 'adjustment')",
        },
        'true',
        "case when " ~ begins_at_zero('balances.platform', 'balances.posting') ~ " then 'history' else 'not known' end",
    ) }}
),

closed as (
    select distinct month
    from {{ mart('fct_journal') }}
    where state = 'closed'
)

select
    balances.month,
    balances.platform,
    balances.account,
    balances.currency,
    balances.posting,
    balances.code,
    {{ money('balances.opening') }} as opening,
    {{ money('balances.debits') }} as debits,
    {{ money('balances.credits') }} as credits,
    {{ money('balances.closing') }} as closing,
    {{ money('balances.adjustments') }} as adjustments,
    balances.opening_basis,
    case when closed.month is null then 'open' else 'closed' end as state
from balances
left join closed on balances.month = closed.month
