-- One row per month, order, currency and kind: what was open as the month ended.
{{ config(materialized='view') }}

with months as (
    {{ months_of_accounts() }}
),

moved as (
    select
        platform,
        account,
        order_key,
        currency,
        posting,
        month,
        min(posted_on) as first_day,
        sum(amount) as amount
    from {{ mart('fct_journal') }}
    where posting in ('receivable', 'receivable_unknown') and order_key is not null
    group by all
),

summed as (
    select
        *,
        min(first_day) over (partition by platform, account, order_key) as since,
        sum(amount) over in_order as due,
        lead(month) over in_order as next_month
    from moved
    window in_order as (partition by platform, account, order_key, currency, posting order by month)
),

posted as (
    select
        months.month,
        summed.platform,
        summed.account,
        summed.order_key,
        summed.currency,
        summed.posting,
        summed.since,
        summed.due
    from summed
    inner join months
        on
            summed.platform = months.platform
            and summed.account = months.account
            and summed.month <= months.month
            and (summed.next_month is null or summed.next_month > months.month)
    where summed.due <> 0
),

orders as (
    select
        *,
        {{ is_return('order_type', 'related_order_key') }} as is_return,
        coalesce(ordered_on, cast(timezone('UTC', first_seen_at) as date)) as since
    from {{ mart('fct_orders') }}
),

-- what is still so today was so as each month ended since
not_posted as (
    select
        months.month,
        orders.platform,
        orders.account,
        orders.order_key,
        coalesce(orders.currency, 'XXX') as currency,
        orders.since,
        orders.balance_due as due,
        case when orders.is_booked then 'refund due' else 'held' end as kind
    from orders
    inner join months
        on
            orders.platform = months.platform
            and orders.account = months.account
            and date_trunc('month', orders.since) <= months.month
    where
        (orders.is_booked and orders.is_return and orders.balance_due < 0)
        or (not orders.is_booked and not orders.is_return and orders.balance_due > 0 and orders.status <> 'cancelled')
),

together as (
    select
        posted.month,
        posted.platform,
        posted.account,
        posted.order_key,
        posted.currency,
        posted.since,
        posted.due,
        case
            when posted.posting = 'receivable_unknown' then 'not known'
            when posted.due > 0 then 'owed'
            when orders.is_return then 'refund due'
            else 'overpaid'
        end as kind
    from posted
    left join orders on posted.order_key = orders.order_key
    union all by name
    select * from not_posted
),

aged as (
    select
        *,
        date_diff('day', since, last_day(month)) as days
    from together
)

select
    aged.month,
    aged.platform,
    aged.account,
    aged.order_key,
    orders.order_id,
    orders.event_key,
    orders.customer_key,
    aged.currency,
    aged.kind,
    {{ money('aged.due') }} as due,
    aged.since,
    aged.days,
    case
        when aged.days <= 30 then '0-30'
        when aged.days <= 60 then '31-60'
        when aged.days <= 90 then '61-90'
        else 'over 90'
    end as bucket
from aged
left join orders on aged.order_key = orders.order_key
