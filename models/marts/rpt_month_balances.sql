-- One row per month, account, currency, posting and account code: what it began with, what moved, what it ended with.
{{ config(materialized='view') }}

with journal as (
    select * from {{ mart('fct_journal') }}
),

-- a balance from before the history, by the seed opening_balances
seeded as (
    select
        platform,
        account,
        currency,
        posting,
        code,
        min(cast(date_trunc('month', origin_on) as date)) as known_from,
        sum(amount) as amount
    from journal
    where rule = 'opening'
    group by all
),

moved as (
    select
        platform,
        account,
        currency,
        posting,
        code,
        month,
        sum(amount) as amount,
        sum(amount) filter (where amount > 0) as debits,
        -sum(amount) filter (where amount < 0) as credits,
        sum(amount) filter (where state = 'adjustment') as adjustments
    from journal
    where rule <> 'opening'
    group by all
),

closed as (
    select distinct closed_month as month
    from journal
    where closed_month is not null
),

balances as (
    select distinct
        platform,
        account,
        currency,
        posting,
        code
    from journal
),

months as (
    {{ months_of_accounts() }}
),

filled as (
    select
        months.month,
        balances.platform,
        balances.account,
        balances.currency,
        balances.posting,
        balances.code,
        seeded.known_from,
        seeded.amount as seeded_amount,
        moved.debits,
        moved.credits,
        moved.adjustments,
        case
            when seeded.known_from is not null then 'seed'
            when not {{ is_balance('balances.posting') }} then 'history'
            -- its list of orders is read from the first one on, and no platform tells what cards hold
            when balances.platform = 'ticket_tailor' and balances.posting <> 'stored_value' then 'history'
            else 'not known'
        end as opening_basis,
        case
            when seeded.known_from is null or months.month >= seeded.known_from then coalesce(moved.amount, 0)
            else 0
        end as amount
    from balances
    inner join months on balances.platform = months.platform and balances.account = months.account
    left join seeded
        on
            balances.platform = seeded.platform
            and balances.account = seeded.account
            and balances.currency = seeded.currency
            and balances.posting = seeded.posting
            and balances.code is not distinct from seeded.code
    left join moved
        on
            balances.platform = moved.platform
            and balances.account = moved.account
            and balances.currency = moved.currency
            and balances.posting = moved.posting
            and balances.code is not distinct from moved.code
            and months.month = moved.month
),

summed as (
    select
        *,
        case
            when opening_basis = 'history' or month >= known_from then
                coalesce(seeded_amount, 0) + sum(amount) over (
                    partition by platform, account, currency, posting, code
                    order by month
                )
        end as closing
    from filled
)

select
    summed.month,
    summed.platform,
    summed.account,
    summed.currency,
    summed.posting,
    summed.code,
    {{ money('summed.closing - summed.amount') }} as opening,
    {{ money('coalesce(summed.debits, 0)') }} as debits,
    {{ money('coalesce(summed.credits, 0)') }} as credits,
    {{ money('summed.closing') }} as closing,
    {{ money('coalesce(summed.adjustments, 0)') }} as adjustments,
    summed.opening_basis,
    case when closed.month is null then 'open' else 'closed' end as state
from summed
left join closed on summed.month = closed.month
