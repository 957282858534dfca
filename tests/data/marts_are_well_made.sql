-- What holds for every table of the marts: no float holds an amount, and each row says its platform and account (days
-- belong to none). A row here is a column or table that breaks it.
{% for mart in mart_names() -%}
    -- depends_on: {{ ref(mart) }}
{% endfor %}
with columns as (
    select
        table_name,
        column_name,
        data_type,
        is_nullable
    from information_schema.columns
    where table_schema = '{{ ref("fct_orders").schema }}' and table_name in ('{{ mart_names() | join("', '") }}')
)

select
    table_name,
    column_name,
    data_type as finding
from columns
where data_type in ('FLOAT', 'DOUBLE', 'REAL')

union all

select
    tables.table_name,
    names.column_name,
    'no row may lack it' as finding
from (select unnest(['{{ mart_names() | join("', '") }}']) as table_name) as tables
cross join (select unnest(['platform', 'account']) as column_name) as names
left join columns
    on
        tables.table_name = columns.table_name
        and names.column_name = columns.column_name
        and columns.is_nullable = 'NO'
where tables.table_name <> 'dim_dates' and columns.column_name is null
{% if execute %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.schema == 'marts' and node.name not in mart_names() %}
        union all
        select
            '{{ node.name }}' as table_name,
            null as column_name,
            'is missing in mart_names' as finding
    {% endfor %}
{% endif %}
