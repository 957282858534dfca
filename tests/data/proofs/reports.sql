-- Every report is a sum of the ledger, per platform, account and currency; and at its end the curve of an event has
-- come to what rpt_event_sales says of it. And each local
-- day is that of its own lines and payments. What the reports are sums of is proved order by order in facts.sql.
-- A sum that is too large for one amount is NULL in a report: nothing is proved of it.
{% set of_sales = "refund_of in ('ticket', 'product', 'membership')" %}
{% set given_back = {
    'refunds': "line_kind = 'refund'",
    'refunds_of_sales': "line_kind = 'refund' and " ~ of_sales,
    'refunds_of_fees': "line_kind = 'refund' and refund_of = 'buyer_fee'",
    'refunds_of_donations': "line_kind = 'refund' and refund_of = 'donation'",
    'refunds_of_tax': "line_kind = 'refund' and refund_of = 'tax'",
    'refunds_of_other':
        "line_kind = 'refund' and refund_of not in ('buyer_fee', 'donation', 'tax') and not " ~ of_sales,
    'credited': "line_kind = 'credited'",
    'credited_of_sales': "line_kind = 'credited' and " ~ of_sales,
} %}
-- the largest table of all is read once
with lines_of_days as (
    select
        platform,
        account,
        booked_on as sales_on,
        coalesce(currency, 'XXX') as currency,
        sum(case when line_kind in ('ticket', 'product', 'membership') then amount else 0 end) as gross_sales,
        {% for measure, condition in given_back.items() %}
            sum(case when {{ condition }} then -amount else 0 end) as {{ measure }},
        {% endfor %}
        sum(case line_kind when 'buyer_fee' then amount else 0 end) as buyer_fees,
        sum(case line_kind when 'tip' then amount else 0 end) as tips,
        sum(case line_kind when 'donation' then amount else 0 end) as donations,
        sum(case line_kind when 'tax' then amount else 0 end) as tax,
        sum(case line_kind when 'delivery' then amount else 0 end) as delivery,
        sum(case line_kind when 'gift_card' then amount else 0 end) as gift_cards,
        sum(case line_kind when 'discount' then amount else 0 end) as discounts,
        sum(case line_kind when 'unexplained' then amount else 0 end) as unexplained,
        sum(case when {{ is_given_back() }} then 0 else amount end) as charged_total
    from {{ ref('fct_order_lines') }}
    where booked_at is not null
    group by all
),

ledger as (
    select
        platform,
        account,
        currency,
        sum(columns(* exclude (platform, account, sales_on, currency)))
    from lines_of_days
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
            select
                platform,
                account,
                currency,
                {% for measure in measures_of_money() + ['tickets_sold', 'comps', 'tickets_returned'] %}
                    case when count(*) = count({{ measure }}) then sum({{ measure }}) end as {{ measure }},
                {% endfor %}
                sum(platform_fees) as platform_fees
            from {{ ref(report) }}
            group by all
        )
        unpivot include nulls (
            amount for measure in (columns(* exclude (platform, account, currency)))
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
            and (
                ends_of_curves.event_key is null or events.{{ measure }} <> ends_of_curves.{{ measure }}_so_far
            )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

differing as (
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
    where
        coalesce(expected.amount, 0) <> case
            when reported.report is null or reported.measure = 'platform_fees' then coalesce(reported.amount, 0)
            else reported.amount
        end
        and {{ money('coalesce(expected.amount, 0)') }} is not null
),

own as (
    select
        platform,
        account,
        sales_on,
        currency,
        charged_total,
        refunds,
        credited
    from lines_of_days
    where sales_on is not null
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
        coalesce(sum(credited), 0) as credited,
        coalesce(sum(receipts), 0) as receipts
    from own
    group by all
),

differing_days as (
    {% for measure in ['charged_total', 'refunds', 'credited', 'receipts'] %}
        select
            own_days.platform,
            own_days.account,
            own_days.sales_on || ' {{ measure }} is ' || own_days.{{ measure }} || ', the report has '
            || coalesce(cast(days.{{ measure }} as varchar), 'NULL') as explanation
        from own_days
        left join {{ ref('rpt_daily_sales') }} as days
            on
                own_days.platform = days.platform
                and own_days.account = days.account
                and own_days.sales_on is not distinct from days.sales_on
                and own_days.currency = days.currency
        where own_days.{{ measure }} <> case when days.daily_sales_key is null then 0 else days.{{ measure }} end
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    report || ' agrees with the ledger' as proof,
    platform,
    account,
    null as order_id,
    measure || ' in ' || currency || ' is ' || coalesce(cast(in_the_ledger as varchar), 'NULL') || ', the report has '
    || coalesce(cast(in_the_report as varchar), 'NULL') as explanation
from differing
union all
select
    'a day of rpt_daily_sales is that of its lines and payments' as proof,
    platform,
    account,
    null as order_id,
    explanation
from differing_days
{% for report, key in [
    ('rpt_daily_sales', 'daily_sales_key'),
    ('rpt_daily_event_sales', 'daily_event_sales_key'),
    ('rpt_event_sales', 'event_sales_key'),
    ('rpt_event_totals', 'event_key'),
    ('rpt_sales_curve', 'sales_curve_key'),
] %}
    union all
    {{ grain(report, 'platform', [key], order='null') }}
{% endfor %}
{% for report in ['rpt_daily_sales', 'rpt_daily_event_sales', 'rpt_event_sales'] %}
    union all
    {{ holds(report, [
        wide('charged_total') ~ ' = ' ~ wide('gross_sales') ~ ' + buyer_fees + tips + donations + tax + delivery + gift_cards + discounts + unexplained',
        'refunds = ' ~ wide('refunds_of_sales')
        ~ ' + refunds_of_fees + refunds_of_donations + refunds_of_tax + refunds_of_other',
        'net_sales = ' ~ wide('gross_sales') ~ ' - refunds_of_sales - credited_of_sales',
        'orders_without_fees = 0 or net_after_fees is null',
    ], 'null') }}
{% endfor %}
union all
{{ holds('rpt_daily_sales', [
    'platform_fees = coalesce(ticketing_fees, 0) + coalesce(protection_fees, 0) + coalesce(ad_fees, 0)'
    ~ ' + coalesce(processing_fees, 0) + coalesce(delivery_fees, 0)',
], 'null') }}
