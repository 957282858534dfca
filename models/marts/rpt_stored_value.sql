-- One row per month, account and currency: gift cards and credit that were not spent yet.
{{ config(materialized='view') }}

with balances as (
    {{ carried_forward(
        ['platform', 'account', 'currency'],
        {
            'sold': "-sum(amount) filter (where rule not in ('credit_issued', 'credit_redeemed'))",
            'issued': "-sum(amount) filter (where rule = 'credit_issued')",
            'redeemed': "sum(amount) filter (where rule = 'credit_redeemed')",
        },
        "posting = 'stored_value'",
        "'not known'",
        sign='-',
    ) }}
)

select
    month,
    platform,
    account,
    currency,
    {{ money('opening') }} as opening,
    {{ money('sold') }} as sold,
    {{ money('issued') }} as issued,
    {{ money('redeemed') }} as redeemed,
    {{ money('closing') }} as closing,
    opening_basis
from balances
