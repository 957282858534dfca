-- One row per posting: order or event, local day, rule, posting, account code and currency.
{{ config(materialized='touched', meta={
    'touched_by': "platform, account, coalesce(order_id, '')",
    'touched_always': "rule in ('release', 'opening')",
}) }}
{% set row = ['platform', 'account', 'order_id', 'event_key', 'posted_on', 'currency', 'method'] %}

with orders as not materialized (
    select * from {{ touched('fct_orders') }}
),

payments as not materialized (
    select * from {{ touched('fct_payments') }}
),

not_by_method as (
    select distinct posting
    from {{ ref('chart_of_accounts') }}
    where posting <> 'clearing'
),

asked as (
    select
        accounts.platform,
        accounts.account,
        not_by_method.posting,
        null as method
    from {{ ref('dim_accounts') }} as accounts
    cross join not_by_method
    union
    select
        platform,
        account,
        'clearing' as posting,
        method
    from payments
),

-- the most specific row of the seed
chart as (
    select
        asked.*,
        seed.code,
        seed.name as account_name,
        nullif(seed.tax_code, '') as tax_code,
        seed.recognised,
        row_number() over (order by seed.name, nullif(seed.tax_code, '')) as place
    from asked
    inner join {{ ref('chart_of_accounts') }} as seed
        on
            asked.posting = seed.posting
            and seed.platform in (asked.platform, '%')
            and asked.account like seed.account_pattern
            and lower(coalesce(asked.method, '')) like lower(seed.method_pattern)
    qualify
        row_number() over (
            partition by asked.platform, asked.account, asked.posting, asked.method
            order by
                seed.platform = '%' asc, length(seed.account_pattern) desc, length(seed.method_pattern) desc,
                seed.account_pattern asc, seed.method_pattern asc
        ) = 1
),

{% for name, lines in [('lines', touched('fct_order_lines')), ('all_lines', ref('fct_order_lines'))] %}
    {{ name }} as (
        select
            lines.platform,
            lines.account,
            lines.order_id,
            lines.event_key,
            lines.booked_on as posted_on,
            lines.currency,
            case when {{ is_given_back('lines.line_kind') }} then lines.line_kind else 'charge' end as rule,
            lines.amount,
            {{ untaxed('lines') }} as untaxed,
            {{ tax_inside('lines') }} as tax_inside,
            {{ posting_of('coalesce(lines.refund_of, lines.line_kind)') }} as earned_as,
            lines.event_key is not null and coalesce(chart.recognised = 'performance', false) as is_deferred
        from {{ lines }} as lines
        left join chart
            on
                lines.platform = chart.platform
                and lines.account = chart.account
                and {{ posting_of('coalesce(lines.refund_of, lines.line_kind)') }} = chart.posting
        where lines.booked_on is not null
    ),
{% endfor %}

charged as (
    select
        lines.*,
        null as method,
        case when orders.payments_known then 'receivable' else 'receivable_unknown' end as owed_as
    from lines
    left join orders
        on
            lines.platform = orders.platform
            and lines.account = orders.account
            and lines.order_id = orders.order_id
),

-- what a payment settles: its order, unless that has not come or is in another currency
settled as (
    select
        payments.platform,
        payments.account,
        payments.order_id,
        cast(null as varchar) as event_key,
        payments.paid_on as posted_on,
        payments.currency,
        payments.method,
        payments.kind,
        payments.amount,
        payments.credit_amount,
        payments.platform_deduction,
        case
            when orders.order_id is null then 'no_order'
            when coalesce(payments.currency, 'XXX') <> coalesce(orders.currency, 'XXX') then 'other_currency'
            when orders.payments_known then 'receivable'
            else 'receivable_unknown'
        end as owed_as
    from payments
    left join orders
        on
            payments.platform = orders.platform
            and payments.account = orders.account
            and payments.order_id = orders.order_id
),

-- what is posted on one side of two accounts and on the other of both
pairs as (
    select
        {{ row | join(', ') }},
        'money' as rule,
        'clearing' as debit,
        owed_as as credit,
        amount
    from settled
    where amount <> 0
    union all
    select
        {{ row | join(', ') }},
        kind as rule,
        owed_as as debit,
        'stored_value' as credit,
        case kind when 'credit_redeemed' then -credit_amount else credit_amount end as amount
    from settled
    where kind in ('credit_issued', 'credit_redeemed')
    union all
    select
        {{ row | join(', ') }},
        'kept_back' as rule,
        'platform_fees_owed' as debit,
        'clearing' as credit,
        platform_deduction as amount
    from settled
    where platform_deduction <> 0
    {% for part in parts_of_fees() %}
        union all
        select
            platform,
            account,
            order_id,
            event_key,
            booked_on as posted_on,
            currency,
            null as method,
            'fee' as rule,
            '{{ posting_of_fee(part) }}' as debit,
            'platform_fees_owed' as credit,
            {{ part }}_fee_amount as amount
        from orders
        where booked_on is not null and {{ part }}_fee_amount <> 0
    {% endfor %}
),

of_orders as (
    select
        {{ posted(row + ['rule'], [
            ['owed_as', 'amount'],
            ["if(is_deferred, 'unearned', earned_as)", '-untaxed'],
            ["'output_tax'", '-tax_inside'],
        ]) }}
    from charged
    union all by name
    select
        {{ posted(row + ['rule'], [['debit', 'amount'], ['credit', '-amount']]) }}
    from pairs
),

-- what closes froze; months close in order, so all that belongs to earlier days is among it
frozen as (
    select * from {{ ref('stg_closes__lines') }}
    {% if execute and model.resource_type == 'model' and not is_made_whole() -%}
        where {{ is_touched(model) }}
    {%- endif %}
),

closed as (
    select coalesce(max(last_day(month)), date '-infinity') as until
    from {{ ref('stg_closes__closes') }}
    where is_in_force
),

-- a performance that a close released was given: another date that is heard of later moves nothing
given as (
    select
        event_key,
        min(origin_on) as released_on
    from frozen
    where rule = 'release'
    group by event_key
),

-- depends on events, which move: made whole in each build
released as (
    select
        all_lines.platform,
        all_lines.account,
        all_lines.event_key,
        greatest(all_lines.posted_on, coalesce(given.released_on, events.released_on)) as posted_on,
        all_lines.currency,
        'release' as rule,
        all_lines.earned_as,
        sum(all_lines.untaxed) as untaxed
    from all_lines
    inner join {{ ref('dim_events') }} as events on all_lines.event_key = events.event_key
    left join given on all_lines.event_key = given.event_key
    where all_lines.is_deferred and coalesce(given.released_on, events.released_on) is not null
    group by all
),

of_events as (
    select
        {{ posted(
            ['platform', 'account', 'event_key', 'posted_on', 'currency', 'rule'],
            [["'unearned'", 'untaxed'], ['earned_as', '-untaxed']],
        ) }}
    from released
),

openings as (
    select
        {{ posted(
            ['platform', 'account', '"on" as posted_on', 'currency', "'opening' as rule"],
            [['seed.posting', 'amount'], ["'opening'", '-amount']],
        ) }}
    from {{ ref('opening_balances') }} as seed
),

postings as (
    select * from of_orders
    union all by name
    select * from of_events
    union all by name
    select * from openings
),

-- several methods may have one code: of its names the first
summed as (
    select
        postings.posted_on as origin_on,
        postings.platform,
        postings.account,
        coalesce(postings.currency, 'XXX') as currency,
        postings.posting,
        chart.code,
        min(chart.place) as place,
        postings.order_id,
        postings.event_key,
        postings.rule,
        {{ money('sum(postings.amount)') }} as amount
    from postings
    left join chart
        on
            postings.platform = chart.platform
            and postings.account = chart.account
            and postings.posting = chart.posting
            and (if(postings.posting = 'clearing', postings.method, null)) is not distinct from chart.method
    -- most lines have no tax to post
    where postings.amount <> 0 or postings.rule = 'opening'
    group by all
    -- an opening balance of 0 says that it is known
    having sum(postings.amount) <> 0 or postings.rule = 'opening'
),

-- the natural journal: what it would be had no month been closed
natural_rows as (
    select
        summed.origin_on,
        summed.platform,
        summed.account,
        summed.currency,
        summed.posting,
        summed.code,
        chart.account_name,
        chart.tax_code,
        summed.order_id,
        summed.event_key,
        summed.rule,
        summed.amount
    from summed
    left join chart on summed.place = chart.place
),

-- what is different now in the days of closed months: posted on the first day that is open
adjustments as (
    select
        origin_on,
        platform,
        account,
        currency,
        posting,
        code,
        max(account_name) as account_name,
        max(tax_code) as tax_code,
        order_id,
        event_key,
        rule,
        {{ money('sum(amount)') }} as amount
    from (
        select * from natural_rows
        where origin_on <= (select closed.until from closed)
        union all by name
        select * exclude (posted_on, closed_month) replace (-amount as amount)
        from frozen
    ) as now_and_then
    group by all
    having sum(amount) <> 0
),

journal as (
    select
        'closed' as state,
        *
    from frozen
    union all by name
    select
        'adjustment' as state,
        (select closed.until from closed) + 1 as posted_on,
        *
    from adjustments
    union all by name
    select
        'open' as state,
        origin_on as posted_on,
        *
    from natural_rows
    where origin_on > (select closed.until from closed)
)

select
    {{ key([
        'platform', 'account', "coalesce(order_id, '')", "coalesce(event_key, '')", 'posted_on', 'origin_on', 'state', 'rule',
        'posting', "coalesce(code, '')", 'currency',
    ]) }} as journal_key,
    state,
    posted_on,
    cast(date_trunc('month', posted_on) as date) as month,
    origin_on,
    platform,
    account,
    currency,
    posting,
    code,
    account_name,
    tax_code,
    {{ key(['platform', 'account', 'order_id']) }} as order_key,
    order_id,
    event_key,
    rule,
    amount,
    closed_month
from journal
