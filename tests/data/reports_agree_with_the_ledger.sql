-- Every report is a sum of the ledger, per platform, account and currency; and at its end the curve of an event has
-- come to what rpt_event_sales says of it. A row here is a measure on which they differ.
with ledger as (
    select
        platform,
        account,
        coalesce(currency, 'XXX') as currency,
        sum(case when line_kind in ('ticket', 'product', 'membership') then amount else 0 end) as gross_sales,
        sum(case when line_kind = 'refund' then -amount else 0 end) as refunds,
        sum(case when refund_of in ('ticket', 'product', 'membership') then -amount else 0 end) as refunds_of_sales,
        sum(case line_kind when 'buyer_fee' then amount else 0 end) as buyer_fees,
        sum(case line_kind when 'tip' then amount else 0 end) as tips,
        sum(case line_kind when 'donation' then amount else 0 end) as donations,
        sum(case line_kind when 'tax' then amount else 0 end) as tax,
        sum(case line_kind when 'delivery' then amount else 0 end) as delivery,
        sum(case line_kind when 'gift_card' then amount else 0 end) as gift_cards,
        sum(case line_kind when 'discount' then amount else 0 end) as discounts,
        sum(case line_kind when 'unexplained' then amount else 0 end) as unexplained,
        sum(case line_kind when 'refund' then 0 else amount end) as charged_total
    from {{ ref('fct_order_lines') }}
    where booked_at is not null
    group by all
),

moved as (
    select
        platform,
        account,
        coalesce(currency, 'XXX') as currency,
        sum(amount) as receipts
    from {{ ref('fct_payments') }}
    group by all
),

-- counted from the orders, without the events between
owed as (
    select
        platform,
        account,
        coalesce(currency, 'XXX') as currency,
        sum(platform_fee_amount) as platform_fees
    from {{ ref('fct_orders') }}
    where is_booked
    group by all
),

admitted as (
    select
        tickets.platform,
        tickets.account,
        coalesce(tickets.currency, 'XXX') as currency,
        count(*) filter (where tickets.admission_kind <> 'comp') as tickets_sold,
        count(*) filter (where tickets.admission_kind = 'comp') as comps,
        count(*) filter (where tickets.status in ('returned', 'voided', 'exchanged')) as tickets_returned
    from {{ ref('fct_tickets') }} as tickets
    inner join {{ ref('fct_orders') }} as orders on tickets.order_key = orders.order_key
    where orders.is_booked
    group by all
),

told as (
    {% for source in ['ledger', 'moved', 'owed', 'admitted'] %}
        unpivot (select * from {{ source }})
        on columns(* exclude (platform, account, currency))
        into name measure value amount
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

reported as (
    {% for report in ['rpt_daily_sales', 'rpt_event_sales', 'rpt_daily_event_sales'] %}
        select
            '{{ report }}' as report,
            *
        from (
            unpivot (
                select
                    platform,
                    account,
                    currency,
                    {{ summed_measures() }}
                from {{ ref(report) }}
                group by all
            )
            on columns(* exclude (platform, account, currency, orders, orders_without_fees, tickets_imported))
            into name measure value amount
        )
        {% if not loop.last %}union all by name{% endif %}
    {% endfor %}
),

reports as (
    select unnest(['rpt_daily_sales', 'rpt_event_sales', 'rpt_daily_event_sales']) as report
),

expected as (
    select
        reports.report,
        told.*
    from told
    cross join reports
),

ends_of_curves as (
    select *
    from {{ ref('rpt_sales_curve') }}
    qualify row_number() over (partition by event_key, currency order by sales_on desc) = 1
),

-- an event of which nothing was ever sold has no curve
not_arrived as (
    {% for measure in ['tickets_sold', 'comps', 'tickets_returned', 'gross_sales', 'net_sales', 'sell_through'] %}
        select
            'rpt_sales_curve' as report,
            events.platform,
            events.account,
            events.currency,
            '{{ measure }} of ' || events.event_id as measure,
            events.{{ measure }} as in_the_ledger,
            ends_of_curves.{{ measure }}_so_far as in_the_report
        from {{ ref('rpt_event_sales') }} as events
        left join ends_of_curves
            on events.event_key = ends_of_curves.event_key and events.currency = ends_of_curves.currency
        where
            events.starts_on is not null
            and events.first_day is not null
            and events.{{ measure }} is distinct from ends_of_curves.{{ measure }}_so_far
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
)

select * from not_arrived
union all by name
select
    coalesce(expected.report, reported.report) as report,
    coalesce(expected.platform, reported.platform) as platform,
    coalesce(expected.account, reported.account) as account,
    coalesce(expected.currency, reported.currency) as currency,
    coalesce(expected.measure, reported.measure) as measure,
    expected.amount as in_the_ledger,
    reported.amount as in_the_report
from expected
full outer join reported
    on
        expected.report = reported.report
        and expected.platform = reported.platform
        and expected.account = reported.account
        and expected.currency = reported.currency
        and expected.measure = reported.measure
where coalesce(expected.amount, 0) <> coalesce(reported.amount, 0)
