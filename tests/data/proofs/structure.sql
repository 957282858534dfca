-- What holds for every table of the marts: no float holds an amount, each row says its platform and account (days
-- and closes belong to none, and a processor knows neither), and mart_names() lists it. A row here is a column or table
-- that breaks it.
{% set marts = mart_names() %}
{% set built = [] %}
{% for node in graph.nodes.values() if execute and node.resource_type == 'model' and node.config.schema == 'marts' %}
    {% do built.append(node.name) %}
{% endfor %}
with marts as (
    {% for mart in marts %}
        select '{{ ref(mart).identifier }}' as mart
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

columns as (
    select
        table_name as mart,
        column_name,
        data_type,
        is_nullable
    from information_schema.columns
    where table_schema = '{{ ref("fct_orders").schema }}'
),

named as (
    select
        marts.mart,
        unnest(['platform', 'account']) as column_name
    from marts
    where marts.mart not in ('dim_dates', 'fct_balance_transactions', 'rpt_closes', 'rpt_payouts')
),

broken as (
    select
        columns.mart,
        columns.column_name,
        'is a ' || columns.data_type as how
    from columns
    semi join marts on columns.mart = marts.mart
    where columns.data_type in ('FLOAT', 'DOUBLE', 'REAL')
    union all
    select
        named.mart,
        named.column_name,
        'is missing or may be NULL' as how
    from named
    anti join columns
        on
            named.mart = columns.mart
            and named.column_name = columns.column_name
            -- a view has no constraints
            and (columns.is_nullable = 'NO' or named.mart in ('{{ mart_views() | join("', '") }}'))
    union all
    select
        built.mart,
        '' as column_name,
        'is not in mart_names' as how
    from (select unnest({{ built }}) as mart) as built
    anti join marts on built.mart = marts.mart
)

select
    'the tables of the marts are well made' as proof,
    null as platform,
    null as account,
    null as order_id,
    concat_ws(' ', mart, column_name, how) as explanation
from broken
