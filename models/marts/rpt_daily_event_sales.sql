-- One row per account, local day, event (or none) and currency.
with events as (
    select * from {{ ref('dim_events') }}
),

summed as (
    select * from {{ ref('int_daily_event_sales') }}
)

select
    {{ key([
        'summed.platform',
        'summed.account',
        'summed.sales_on',
        "coalesce(summed.event_key, '')",
        'summed.currency',
    ]) }} as daily_event_sales_key,
    summed.platform,
    summed.account,
    summed.sales_on,
    summed.event_key,
    events.event_id,
    events.event_name,
    summed.currency,
    {{ measures('summed', 'accounts') }}
from summed
left join {{ ref('dim_accounts') }} as accounts
    on summed.platform = accounts.platform and summed.account = accounts.account
left join events on summed.event_key = events.event_key
