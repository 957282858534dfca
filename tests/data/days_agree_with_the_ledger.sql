-- Not only in sum: each local day's gross sales, refunds and receipts are those of its own lines and payments, and
-- their day is taken from the time itself. (Not before 1972, when zones were no quarters of an hour apart.)
-- A row here is a day on which they differ.
with zones as (
    select
        platform,
        account,
        reporting_zone
    from {{ ref('dim_accounts') }}
),

-- asking for the day of each single time is slow: of those that this build did not touch it was asked before
dated as (
    select
        platform,
        account,
        booked_on as sales_on,
        booked_at as happened_at
    from {{ touched('fct_order_lines') }}
    where booked_at is not null
    union all
    select
        platform,
        account,
        paid_on as sales_on,
        coalesce(paid_at, first_seen_at) as happened_at
    from {{ touched('fct_payments') }}
),

on_another_day as (
    select
        dated.platform,
        dated.account,
        dated.sales_on,
        count(*) as misdated
    from dated
    inner join zones on dated.platform = zones.platform and dated.account = zones.account
    where
        dated.happened_at >= timestamptz '1972-02-01'
        and dated.sales_on is distinct from cast(dated.happened_at at time zone zones.reporting_zone as date)
    group by all
),

own as (
    select
        platform,
        account,
        booked_on as sales_on,
        coalesce(currency, 'XXX') as currency,
        case when line_kind = 'refund' then 0 else amount end as charged_total,
        case when line_kind = 'refund' then -amount else 0 end as refunds
    from {{ ref('fct_order_lines') }}
    where booked_on is not null
    union all by name
    select
        platform,
        account,
        paid_on as sales_on,
        coalesce(currency, 'XXX') as currency,
        amount as receipts
    from {{ ref('fct_payments') }}
),

own_days as (
    select
        platform,
        account,
        sales_on,
        currency,
        coalesce(sum(charged_total), 0) as charged_total,
        coalesce(sum(refunds), 0) as refunds,
        coalesce(sum(receipts), 0) as receipts
    from own
    group by all
)

select
    own_days.*,
    days.charged_total as reported_charged_total,
    days.refunds as reported_refunds,
    days.receipts as reported_receipts,
    null as misdated
from own_days
left join {{ ref('rpt_daily_sales') }} as days
    on
        own_days.platform = days.platform
        and own_days.account = days.account
        and own_days.sales_on is not distinct from days.sales_on
        and own_days.currency = days.currency
where
    own_days.charged_total <> coalesce(days.charged_total, 0)
    or own_days.refunds <> coalesce(days.refunds, 0)
    or own_days.receipts <> coalesce(days.receipts, 0)
union all by name
select * from on_another_day
