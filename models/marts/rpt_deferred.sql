-- One row per month, event and currency: what was sold for performances that were still to come.
{{ config(materialized='view') }}

with balances as (
    {{ carried_forward(
        ['platform', 'account', 'event_key', 'currency'],
        {
            'sold': "-sum(amount) filter (where rule = 'charge')",
            'given_back': "sum(amount) filter (where rule in ('refund', 'credited'))",
            'released': "sum(amount) filter (where rule = 'release')",
        },
        "posting = 'unearned'",
        "'history'",
        sign='-',
    ) }}
)

select
    balances.month,
    balances.platform,
    balances.account,
    balances.event_key,
    events.event_id,
    events.event_name,
    events.production,
    balances.currency,
    {{ money('balances.opening') }} as opening,
    {{ money('balances.sold') }} as sold,
    {{ money('balances.given_back') }} as given_back,
    {{ money('balances.released') }} as released,
    {{ money('balances.closing') }} as closing,
    events.starts_on,
    events.released_on,
    coalesce(events.is_called_off, false) as is_called_off
from balances
left join {{ mart('dim_events') }} as events on balances.event_key = events.event_key
where balances.has_moved or balances.opening <> 0 or balances.closing <> 0
