{#- The project's materializations. dbt's own build a second table, rename both, ask for columns and write comments each time:
    three times the cost of the SQL where a build changes a few rows. These change the table in place, in one transaction:

    - touched: holds all rows; those of the orders that the build touches are replaced (macros/touched.sql);
    - upserted: holds all rows; those that come again under their `unique_key` are replaced;
    - whole: all rows are replaced each time;
    - view: dbt's own, with comments and a contract. One that is published reads marts without the catalog (`mart()`), so that the
      text that DuckDB keeps makes it in the published file too. It holds nothing: a build of one platform leaves it as it is.

    Comments are written whenever a table is created; a contract is compared with the query where the project's text has changed. -#}

{% materialization touched, adapter='duckdb' %}
    {%- if is_made_whole() -%}
        {{ return(in_a_transaction(created() ~ noted_for_publishing())) }}
    {%- endif -%}
    {%- if not load_cached_relation(this) -%}
        {{ exceptions.raise_compiler_error(this ~ ' is not there, and cannot be built alone: `dbt build` builds it with all it needs') }}
    {%- endif -%}
    {%- set condition = is_touched(model) -%}
    {%- set rows = 'select * from (' ~ sql ~ ') where ' ~ condition -%}
    {%- set result = in_a_transaction(replaced(condition, rows) ~ noted_for_publishing(model.config.meta)) -%}
    {%- do replaced_in_build().append(model.name) -%}
    {{ return(result) }}
{% endmaterialization %}


{% materialization upserted, adapter='duckdb' %}
    {%- if is_created() -%}
        {{ return(in_a_transaction(created())) }}
    {%- endif -%}
    {%- set key = config.require('unique_key') -%}
    {%- set key = key if key is string else '(' ~ key | join(', ') ~ ')' -%}
    {{ return(in_a_transaction(replaced(key ~ ' in (select ' ~ key ~ ' from ' ~ rows_replaced(model) ~ ')', sql))) }}
{% endmaterialization %}


{% materialization whole, adapter='duckdb' %}
    {{ return(in_a_transaction(created())) }}
{% endmaterialization %}


{% materialization view, adapter='duckdb' %}
    {%- do assert_contract() -%}
    {{ return(in_a_transaction(without_another('view') ~ 'create or replace view ' ~ this ~ ' as ' ~ sql ~ ';' ~ commented('view'), 'view')) }}
{% endmaterialization %}


{% macro assert_contract() -%}
    {#- Compares the query with the model's contract where the project's text has changed. -#}
    {%- if config.get('contract').enforced and not is_noted('text') -%}
        {%- do get_assert_columns_equivalent(sql) -%}
    {%- endif -%}
{%- endmacro %}


{% macro commented(type) -%}
    {#- The statements that describe the table or view of the model at hand and its columns. -#}
    {%- if config.get('contract').enforced %}
    comment on {{ type }} {{ this }} is {{ duckdb_escape_comment(model.description) }};
    {%- for column in model.columns.values() %}
    comment on column {{ this }}.{{ adapter.quote(column.name) }} is {{ duckdb_escape_comment(column.description) }};
    {%- endfor %}
    {%- endif %}
{%- endmacro %}


{% macro is_created() -%}
    {#- Whether a model that is `upserted` is created from everything. -#}
    {{ return(must_reread() if model.fqn[1] == 'staging' else is_made_whole()) }}
{%- endmacro %}


{% macro created() -%}
    {#- The statements that create the table of the model at hand. -#}
    {%- do assert_contract() -%}
    {{ without_another('table') }}
    {%- if config.get('contract').enforced %}
        create or replace table {{ this }} {{ get_table_columns_and_constraints() }};
        {{ commented('table') }}
        insert into {{ this }} by name {{ sql }}
    {%- else %}
        create or replace table {{ this }} as {{ sql }}
    {%- endif -%}
{%- endmacro %}


{% macro without_another(type) -%}
    {#- Drops what has the name of the model at hand and is not of its type. -#}
    {%- set existing = load_cached_relation(this) -%}
    {%- if existing and existing.type != type -%}
        drop {{ existing.type }} {{ this }};
    {%- endif -%}
{%- endmacro %}


{% macro replaced(condition, rows) -%}
    {#- The statements that replace the rows for which the condition holds, and keep what comes instead in memory. Two transactions:
        one writes to one database. -#}
    {%- set news = rows_replaced(model) -%}
    create or replace table {{ news }} as from {{ this }} limit 0;
    insert into {{ news }} by name {{ rows }};
    commit;
    begin;
    delete from {{ this }} where {{ condition }};
    insert into {{ this }} from {{ news }}
{%- endmacro %}


{% macro noted_for_publishing(meta={}) -%}
    {#- The statements that note which rows of a mart are replaced: those that `meta` names, or all. -#}
    {%- if model.fqn[1] == 'marts' -%}
    ;
    insert into {{ unpublished_marts() }} values (
        '{{ this.identifier }}',
        {{ duckdb_escape_comment(meta.touched_by) if meta.touched_by else 'null' }},
        {{ duckdb_escape_comment(meta.touched_always) if meta.touched_always else 'null' }}
    )
    {%- if meta %};
    insert into {{ unpublished_orders() }}
    select '{{ this.identifier }}', platform, account, touched_key from {{ node_of(keys_of(model)).relation_name }}
    {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{% macro in_a_transaction(statements, type='table') -%}
    {#- Runs the statements and the model's hooks. One call of dbt's, since each costs it as much as a small query: `begin` and `commit`
        are part of the text. What fails is rolled back when dbt closes the node's connection. -#}
    {%- call statement('main', auto_begin=False) -%}
        begin;
        {% for hook in pre_hooks %}{{ render(hook.sql) }};{% endfor %}
        {{ statements }};
        {% for hook in post_hooks %}{{ render(hook.sql) }};{% endfor %}
        commit
    {%- endcall -%}
    {{ return({'relations': [this.incorporate(type=type)]}) }}
{%- endmacro %}
