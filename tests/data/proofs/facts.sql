-- The facts of the marts are the rows of intermediate, each once, with its values; their keys lead somewhere; and what
-- they say of one order in several places is the same.
{% set order = order_of() %}
{% set ticket_order = order_of_ticket() %}
{% set measures_of_orders = ['charged_total', 'refunds', 'credited', 'gross_sales', 'receipts'] %}
{% set facts = {
    'fct_orders': ('orders', order, none),
    'fct_tickets': ('tickets', ticket_order, none),
    'fct_product_sales': ('product_sales', order, none),
    'fct_payments': ('payments', order, none),
    'fct_order_lines': ('order_lines', order, "line_kind <> 'unexplained'"),
    'fct_order_changes': ('order_changes', order, none),
} %}
-- what a mart does not take over as it is
{% set altered = {
    'fct_order_lines': {
        'line_kind': ledger_kind('line_kind'),
        'refund_of': ledger_kind('refund_of'),
        'ticket_key': 'if(' ~ is_given_back() ~ ', null, ticket_id)',
    },
} %}
{% set hashes = {'before': {}, 'after': {}} %}
{% for mart, (model, _, _) in facts.items() %}
    {% set values = {'before': [], 'after': []} %}
    {% for column, type, origin in shared_columns('int_ticketor__' ~ model, mart) %}
        {% for side, value in [('before', altered.get(mart, {}).get(column, origin)), ('after', column)] %}
            {#- Of a key only that it is there where its id is: where it leads is proved below. -#}
            {% set is_key = column.endswith('_key') and column != origin %}
            {% do values[side].append(value ~ ' is null' if is_key else 'cast(' ~ value ~ ' as ' ~ type ~ ')') %}
        {% endfor %}
    {% endfor %}
    {% for side in values %}
        {% do hashes[side].update({mart: 'sum(hash(' ~ values[side] | join(', ') ~ '))'}) %}
    {% endfor %}
{% endfor %}
with
{% for side in ['before', 'after'] %}
    -- all rows are counted, those too that this build did not touch; values are compared by the sum of their hashes
    accounts_{{ side }} as (
        {% for mart, (model, _, condition) in facts.items() %}
            select
                '{{ mart }}' as mart,
                'rows' as measure,
                platform,
                account,
                count(*) as found
            from {{ of_both(model) if side == 'before' else ref(mart) }}
            {{ 'where ' ~ condition if condition }}
            group by all
            union all
            select
                '{{ mart }}' as mart,
                'values' as measure,
                platform,
                account,
                {{ hashes[side][mart] }} as found
            from {{ touched_of_both(model) if side == 'before' else touched(mart) }}
            {{ 'where ' ~ condition if condition }}
            group by all
            {{ 'union all' if not loop.last }}
        {% endfor %}
    ),
{% endfor %}

differing as (
    select distinct
        coalesce(before.mart, after.mart) as mart,
        coalesce(before.platform, after.platform) as platform,
        coalesce(before.account, after.account) as account
    from accounts_before as before
    full outer join accounts_after as after
        on
            before.mart = after.mart
            and before.measure = after.measure
            and before.platform = after.platform
            and before.account = after.account
    where before.found is distinct from after.found
),

{% for side in ['before', 'after'] %}
    orders_{{ side }} as (
        {% for mart, (model, order_id, condition) in facts.items() %}
            select
                '{{ mart }}' as mart,
                platform,
                account,
                {{ order_id }} as order_id,
                count(*) as how_many,
                {{ hashes[side][mart] }} as found
            from {{ of_both(model) if side == 'before' else ref(mart) }}
            where
                (platform, account) in (
                    select (differing.platform, differing.account)
                    from differing
                    where differing.mart = '{{ mart }}'
                )
                {{ 'and ' ~ condition if condition }}
            group by all
            {{ 'union all' if not loop.last }}
        {% endfor %}
    ),
{% endfor %}

lines as not materialized (
    select * from {{ touched('fct_order_lines') }}
),

orders as not materialized (
    select * from {{ touched('fct_orders') }}
),

tickets as not materialized (
    select * from {{ touched('fct_tickets') }}
),

payments as not materialized (
    select * from {{ touched('fct_payments') }}
),

lines_of_orders as (
    select
        order_key,
        currency,
        sum(amount) as everything,
        sum(amount) filter (where not {{ is_given_back() }}) as charged
    from lines
    group by order_key, currency
),

given_back_rows as (
    select
        platform,
        account,
        order_id,
        case kind when 'refund' then 'refund' else 'credited' end as line_kind,
        paid_on as gone_on,
        amount - credit_amount as in_payments
    from payments
    where kind in ('refund', 'credit_issued')
    union all by name
    select
        platform,
        account,
        order_id,
        line_kind,
        booked_on as gone_on,
        amount as in_lines
    from lines
    where {{ is_given_back() }}
),

given_back as (
    select
        platform,
        account,
        order_id,
        line_kind,
        gone_on,
        coalesce(sum(in_payments), 0) as in_payments,
        coalesce(sum(in_lines), 0) as in_lines
    from given_back_rows
    group by all
),

lines_of_tickets as (
    select
        ticket_key,
        sum(amount) as amount,
        count(*) as how_many
    from lines
    where line_kind = 'ticket' and ticket_key is not null
    group by ticket_key
),

-- an item may come before its order, or without it
not_here as (
    {% for mart in ['fct_tickets', 'fct_product_sales', 'fct_payments', 'fct_order_changes'] %}
        select
            items.platform,
            items.account,
            items.order_id,
            items.order_key
        from {{ touched(mart) }} as items
        anti join orders on items.order_key = orders.order_key
        where items.order_key is not null
        {{ 'union' if not loop.last }}
    {% endfor %}
),

shown as (
    select
        platform,
        account,
        order_id,
        order_key
    from {{ touched('rpt_reconciliation') }}
    where identity = 'order is here'
),

-- what lines and payments add to the sums that the reports are made of, and those sums, taken off
added as not materialized (
    select
        platform,
        account,
        {% for measure in measures_of_orders %}
            -{{ measure }} as {{ measure }},
        {% endfor %}
        order_id
    from {{ touched('int_order_sales') }}
    union all by name
    select
        platform,
        account,
        order_id,
        case when {{ is_given_back() }} then 0 else amount end as charged_total,
        case line_kind when 'refund' then -amount else 0 end as refunds,
        case line_kind when 'credited' then -amount else 0 end as credited,
        case when line_kind in ('ticket', 'product', 'membership') then amount else 0 end as gross_sales
    from lines
    where booked_at is not null
    union all by name
    select
        platform,
        account,
        order_id,
        amount as receipts
    from payments
),

suspects as (
    select hash(platform, account, order_id) as suspect
    from added
    group by all
    having
        {% for measure in measures_of_orders %}
            {{ 'or ' if not loop.first }}sum({{ measure }}) <> 0
        {% endfor %}
),

sums_of_orders as (
    select
        platform,
        account,
        {% for measure in measures_of_orders %}
            sum({{ measure }}) as {{ measure }},
        {% endfor %}
        order_id
    from added
    where hash(platform, account, order_id) in (select suspects.suspect from suspects)
    group by all
),

missummed as (
    {% for measure in measures_of_orders %}
        select
            platform,
            account,
            order_id,
            '{{ measure }} differs by ' || {{ measure }} as explanation
        from sums_of_orders
        where {{ measure }} <> 0
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

zones as (
    select
        platform,
        account,
        reporting_zone
    from {{ ref('dim_accounts') }}
),

dated as (
    select
        platform,
        account,
        order_id,
        booked_on as given_day,
        booked_at as happened_at
    from lines
    where booked_at is not null
    union all
    select
        platform,
        account,
        order_id,
        paid_on as given_day,
        coalesce(paid_at, first_seen_at) as happened_at
    from payments
)

select
    case
        when before.how_many = after.how_many then 'the values of intermediate are those of ' || before.mart
        else 'every row of intermediate is in ' || coalesce(before.mart, after.mart) || ' once'
    end as proof,
    coalesce(before.platform, after.platform) as platform,
    coalesce(before.account, after.account) as account,
    coalesce(before.order_id, after.order_id) as order_id,
    coalesce(before.how_many, 0) || ' in intermediate, ' || coalesce(after.how_many, 0) || ' in the mart' as explanation
from orders_before as before
full outer join orders_after as after
    on
        before.mart = after.mart
        and before.platform = after.platform
        and before.account = after.account
        and before.order_id = after.order_id
where before.found is distinct from after.found
union all
select
    'the lines of an order make its total' as proof,
    orders.platform,
    orders.account,
    orders.order_id,
    'its total is ' || orders.total_amount || ', its lines make '
    || coalesce(if({{ is_return('orders.order_type') }}, sums.everything, sums.charged), 0) as explanation
from orders
left join lines_of_orders as sums
    on orders.order_key = sums.order_key and orders.currency is not distinct from sums.currency
where
    orders.total_amount is not null
    and orders.total_amount <> coalesce(if({{ is_return('orders.order_type') }}, sums.everything, sums.charged), 0)
    -- what is too large for one amount has no line: rpt_reconciliation says so
    and {{ money(
        'orders.total_amount - coalesce(if('
        ~ is_return('orders.order_type') ~ ', sums.everything, sums.charged), 0)'
    ) }} is not null
union all
-- where payments are not known, the ledger has only the totals
select
    'what was given back is the same in payments and lines' as proof,
    back.platform,
    back.account,
    back.order_id,
    back.line_kind || ': ' || back.in_payments || ' in payments, ' || back.in_lines || ' in lines, on '
    || back.gone_on as explanation
from given_back as back
semi join orders
    on
        back.platform = orders.platform
        and back.account = orders.account
        and back.order_id = orders.order_id
        and orders.payments_known
where back.in_payments <> back.in_lines
union all
select
    'a ticket is sold for what its line says' as proof,
    tickets.platform,
    tickets.account,
    tickets.order_id,
    'ticket ' || tickets.ticket_id || ' costs ' || coalesce(cast(tickets.price as varchar), 'NULL') || ', its '
    || coalesce(prices.how_many, 0) || ' lines say ' || coalesce(cast(prices.amount as varchar), 'NULL') as explanation
from tickets
inner join orders on tickets.order_key = orders.order_key
left join lines_of_tickets as prices on tickets.ticket_key = prices.ticket_key
where tickets.price is distinct from prices.amount or prices.how_many > 1
union all
select
    'an item without its order is shown' as proof,
    coalesce(not_here.platform, shown.platform) as platform,
    coalesce(not_here.account, shown.account) as account,
    coalesce(not_here.order_id, shown.order_id) as order_id,
    case
        when shown.order_key is null then 'its order is not here, and rpt_reconciliation does not say so'
        else 'rpt_reconciliation says that it is not here, and it is'
    end as explanation
from not_here
full outer join shown on not_here.order_key = shown.order_key
where not_here.order_key is null or shown.order_key is null
union all
select
    'the sums of an order are those of its lines and payments' as proof,
    platform,
    account,
    order_id,
    explanation
from missummed
union all
-- before 1972 zones were no quarters of an hour apart
select
    'a local day is taken from its time' as proof,
    dated.platform,
    dated.account,
    dated.order_id,
    dated.happened_at || ' is on ' || coalesce(cast(dated.given_day as varchar), 'NULL') as explanation
from dated
inner join zones on dated.platform = zones.platform and dated.account = zones.account
where
    dated.happened_at >= timestamptz '1972-02-01'
    and dated.given_day is distinct from (
        case zones.reporting_zone
            {% for zone in named_zones() or ['UTC'] %}
                when '{{ zone }}' then cast(dated.happened_at at time zone '{{ zone }}' as date)
            {% endfor %}
            else cast(dated.happened_at at time zone zones.reporting_zone as date)
        end
    )
{% for mart, key, order_id in [
    ('fct_orders', 'order_key', order),
    ('fct_tickets', 'ticket_key', ticket_order),
    ('fct_product_sales', 'product_sale_key', order),
    ('fct_payments', 'payment_key', order),
    ('fct_order_lines', 'order_line_key', order),
    ('fct_order_changes', 'order_change_key', order),
    ('rpt_reconciliation', 'reconciliation_key', order),
] %}
    union all
    {{ grain(mart, 'platform', [key], order=order_id) }}
{% endfor %}
union all
{{ grain(
    'int_order_sales', 'platform', ['platform', 'account', 'order_id', 'sales_on', 'event_key', 'currency'], order=order,
    not_null=['sales_on', 'currency'],
) }}
{% for mart, order_id, keys in [
    ('fct_orders', 'order_id', {
        'ordered_on': ('dim_dates', 'date_day'),
        'event_key': ('dim_events', 'event_key'),
        'customer_key': ('dim_customers', 'customer_key'),
        'agent_key': ('dim_customers', 'customer_key'),
    }),
    ('fct_tickets', order_of_ticket('here.'), {
        'event_key': ('dim_events', 'event_key'),
        'customer_key': ('dim_customers', 'customer_key'),
        'sold_on': ('dim_dates', 'date_day'),
    }),
    ('fct_product_sales', order_of('here.'), {
        'product_key': ('dim_products', 'product_key'),
        'event_key': ('dim_events', 'event_key'),
        'customer_key': ('dim_customers', 'customer_key'),
        'sold_on': ('dim_dates', 'date_day'),
    }),
    ('fct_payments', order_of('here.'), {
        'customer_key': ('dim_customers', 'customer_key'),
        'agent_key': ('dim_customers', 'customer_key'),
        'paid_on': ('dim_dates', 'date_day'),
    }),
    ('fct_order_lines', 'order_id', {
        'order_key': ('fct_orders', 'order_key'),
        'event_key': ('dim_events', 'event_key'),
        'ticket_key': ('fct_tickets', 'ticket_key'),
        'product_sale_key': ('fct_product_sales', 'product_sale_key'),
        'booked_on': ('dim_dates', 'date_day'),
    }),
    ('fct_order_changes', 'order_id', {
        'first_seen_on': ('dim_dates', 'date_day'),
    }),
] %}
    union all
    {{ keys_found(mart, keys, order_id) }}
{% endfor %}
union all
{{ holds('fct_order_lines', [
    '(' ~ is_given_back() ~ ') = (refund_of is not null)',
    "line_kind <> 'unexplained' or amount <> 0",
]) }}
union all
{{ holds('fct_payments', [
    "amount = 0 or kind in ('capture', 'refund')",
    'credit_amount = 0 or amount = 0',
], order) }}
