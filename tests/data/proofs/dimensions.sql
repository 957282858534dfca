-- Dimensions, refused records and conflicts are the rows of intermediate, each once; dimensions with the same values.
-- No order can be named: where one of these fails, the last published file stays.
{% set is_told = '(identity, in_words) in (select (identity, in_words) from ' ~ of_both('conflicts') ~ ')' %}
-- dimensions also have a row for what was sold and is reported nowhere else
{% set event, product = '(platform, account, event_id)', '(platform, account, product_id)' %}
{% set event_is_told = event ~ ' in (select ' ~ event ~ ' from ' ~ of_both('events') ~ ')' %}
{% set product_is_told = product ~ ' in (select ' ~ product ~ ' from ' ~ of_both('products') ~ ')' %}
{% set tables = [
    ('people', 'dim_customers', none),
    ('events', 'dim_events', event_is_told),
    ('products', 'dim_products', product_is_told),
    ('refused', 'refused_records', "platform in ('ticketor', 'ticket_tailor')"),
    ('conflicts', 'rpt_reconciliation', is_told),
] %}
-- what a mart does not take over as it is; a capacity may be what people say in the seed
{% set altered = {
    'dim_events': {'capacity': none, 'capacity_basis': none},
} %}
with
{% for side in ['before', 'after'] %}
    {{ side }} as (
        {% for model, mart, condition in tables %}
            select
                '{{ mart }}' as mart,
                'rows' as what,
                platform,
                account,
                count(*) as found
            from {{ of_both(model) if side == 'before' else ref(mart) }}
            {{ 'where ' ~ condition if condition }}
            group by all
            union all
        {% endfor %}
        {% for model, mart, condition in tables if mart.startswith('dim_') %}
            {% set values = [] %}
            {% for column, type, origin in shared_columns('int_ticketor__' ~ model, mart)
                if altered.get(mart, {}).get(column, origin) is not none %}
                {% set value = altered.get(mart, {}).get(column, origin) if side == 'before' else column %}
                {% set as_it_is = 'cast(' ~ value ~ ' as ' ~ type ~ ')' %}
                {% do values.append(value ~ ' is null' if column.endswith('_key') and column != origin else as_it_is) %}
            {% endfor %}
            select
                '{{ mart }}' as mart,
                'values' as what,
                platform,
                account,
                sum(hash({{ values | join(', ') }})) as found
            from {{ of_both(model) if side == 'before' else ref(mart) }}
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

select
    what || ' of ' || mart || ' are those of intermediate' as proof,
    platform,
    account,
    null as order_id,
    concat_ws(' ', in_intermediate, 'in intermediate,', in_mart, 'in the mart') as explanation
from together
where in_intermediate is distinct from in_mart
{% for mart, key in [
    ('dim_accounts', 'account_key'),
    ('dim_customers', 'customer_key'),
    ('dim_events', 'event_key'),
    ('dim_products', 'product_key'),
    ('dim_vouchers', 'voucher_key'),
    ('fct_holds', 'hold_key'),
    ('fct_memberships', 'membership_key'),
    ('fct_waitlist_signups', 'waitlist_signup_key'),
    ('refused_records', 'refused_record_key'),
] %}
    union all
    {{ grain(mart, 'platform', [key], order='null') }}
{% endfor %}
union all
{{ grain('dim_dates', "''", ['date_day'], order='null', account="''") }}
union all
{{ grain('int_reporting_zones', 'platform', ['platform', 'account'], order='null', not_null=['reporting_zone']) }}
union all
{{ grain('int_touched', 'platform', ['platform', 'account', 'touched_key'], order='null', not_null=['touched_key']) }}
union all
{{ grain(
    'stg_boxoffice__accounts', 'platform', ['platform', 'account'], order='null', not_null=['platform', 'account'],
) }}
union all
{{ grain('platforms', 'platform', ['platform'], order='null', account="''", not_null=['platform']) }}
union all
{{ keys_found('dim_events', {'starts_on': ('dim_dates', 'date_day')}, 'null') }}
