-- Nothing is lost, doubled or altered between the unified shape and the marts: as many rows per platform and account,
-- and the same values in all columns that both have. Of a key it says only that it is there where its id is: where it
-- leads is tested beside the facts. A row here is a table on which they differ.
--
-- Rows are compared by the sum of their hashes: one pass over what is touched of either side, and no join.
{% set is_told = '(identity, in_words) in (select (identity, in_words) from ' ~ ref('int_conflicts') ~ ')' %}
-- dimensions also have a row for what was sold and is told of nowhere else
{% set event, product = '(platform, account, event_id)', '(platform, account, product_id)' %}
{% set event_is_told = event ~ ' in (select ' ~ event ~ ' from ' ~ ref('int_events') ~ ')' %}
{% set product_is_told = product ~ ' in (select ' ~ product ~ ' from ' ~ ref('int_products') ~ ')' %}
{% set tables = [
    ('int_orders', 'fct_orders', none),
    ('int_tickets', 'fct_tickets', none),
    ('int_product_sales', 'fct_product_sales', none),
    ('int_payments', 'fct_payments', none),
    ('int_order_lines', 'fct_order_lines', "line_kind <> 'unexplained'"),
    ('int_order_changes', 'fct_order_changes', none),
    ('int_people', 'dim_customers', none),
    ('int_events', 'dim_events', event_is_told),
    ('int_products', 'dim_products', product_is_told),
    ('int_refused', 'refused_records', none),
    ('int_accounts', 'dim_accounts', none),
    ('int_conflicts', 'rpt_reconciliation', is_told),
] %}
-- what a mart does not take over as it is; a capacity may be what people say in the seed
{% set altered = {
    'fct_order_lines': {
        'line_kind': ledger_kind('line_kind'),
        'refund_of': ledger_kind('refund_of'),
        'ticket_key': "if(line_kind = 'refund', null, ticket_id)",
    },
    'dim_events': {'capacity': none, 'capacity_basis': none},
} %}
with
{% for side in ['before', 'after'] %}
    {{ side }} as (
        {% for model, mart, condition in tables %}
            {% set table = model if side == 'before' else mart %}
            select
                '{{ mart }}' as mart,
                'how many rows' as what,
                platform,
                account,
                count(*) as found
            from {{ ref(table) }}
            {{ 'where ' ~ condition if condition }}
            group by all
            union all
        {% endfor %}
        {% for model, mart, condition in tables if mart.startswith(('fct_', 'dim_')) %}
            {% set table = model if side == 'before' else mart %}
            {% set values = [] %}
            {% for column, type, origin in shared_columns(model, mart)
                if altered.get(mart, {}).get(column, origin) is not none %}
                {% set value = altered.get(mart, {}).get(column, origin) if side == 'before' else column %}
                {% set as_it_is = 'cast(' ~ value ~ ' as ' ~ type ~ ')' %}
                {% do values.append(value ~ ' is null' if column.endswith('_key') and column != origin else as_it_is) %}
            {% endfor %}
            select
                '{{ mart }}' as mart,
                'their values' as what,
                platform,
                account,
                sum(hash({{ values | join(', ') }})) as found
            from {{ touched(table) if mart.startswith('fct_') else ref(table) }}
            {{ 'where ' ~ condition if condition }}
            group by all
            {% if not loop.last %}union all{% endif %}
        {% endfor %}
    ),
{% endfor %}

together as (
    select
        coalesce(before.mart, after.mart) as mart,
        coalesce(before.what, after.what) as what,
        coalesce(before.platform, after.platform) as platform,
        coalesce(before.account, after.account) as account,
        before.found as in_intermediate,
        after.found as in_mart
    from before
    full outer join after
        on
            before.mart = after.mart
            and before.what = after.what
            and before.platform is not distinct from after.platform
            and before.account is not distinct from after.account
)

select *
from together
where in_intermediate is distinct from in_mart
