-- Not only in sum: each local day's gross sales, refunds and receipts are those of its own lines and payments, the day
-- taken from the time itself. (Not before 1972, when zones were no quarters of an hour apart.)
-- A row here is a day on which they differ.
with zones as (
    select
        platform,
        account,
        reporting_zone
    from {{ ref('dim_accounts') }}
),

own as (
    select
        lines.platform,
        lines.account,
        cast(lines.booked_at at time zone zones.reporting_zone as date) as sales_on,
        coalesce(lines.currency, 'XXX') as currency,
        case when lines.line_kind = 'refund' then 0 else lines.amount end as charged_total,
        case when lines.line_kind = 'refund' then -lines.amount else 0 end as refunds
    from {{ ref('fct_order_lines') }} as lines
    inner join zones on lines.platform = zones.platform and lines.account = zones.account
    where lines.booked_at is not null
    union all by name
    select
        payments.platform,
        payments.account,
        cast(coalesce(payments.paid_at, payments.first_seen_at) at time zone zones.reporting_zone as date) as sales_on,
        coalesce(payments.currency, 'XXX') as currency,
        payments.amount as receipts
    from {{ ref('fct_payments') }} as payments
    inner join zones on payments.platform = zones.platform and payments.account = zones.account
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
    days.receipts as reported_receipts
from own_days
left join {{ ref('rpt_daily_sales') }} as days
    on
        own_days.platform = days.platform
        and own_days.account = days.account
        and own_days.sales_on = days.sales_on
        and own_days.currency = days.currency
where
    own_days.sales_on >= date '1972-02-01'
    and (
        own_days.charged_total <> coalesce(days.charged_total, 0)
        or own_days.refunds <> coalesce(days.refunds, 0)
        or own_days.receipts <> coalesce(days.receipts, 0)
    )
