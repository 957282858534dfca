{#- Staging reads each document once. Its tables are `upserted` (macros/materializations.sql) from the loads that they do not hold. -#}

{% macro shape() -%}
    {#- The model's own text, hashed: a table made by another text is made of all documents again. -#}
    '{{ local_md5(model.raw_code) }}'
{%- endmacro %}


{% macro must_reread() -%}
    {#- Whether all documents are to be read: there is no table, or another text made a row of it. -#}
    {%- if flags.FULL_REFRESH or not load_cached_relation(this) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- if is_noted('text', model.fqn[2]) -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(not value_of_build("select count(*) filter (_shape <> " ~ shape() ~ ") = 0 and count(*) > 0 from " ~ this)) }}
{%- endmacro %}


{% macro only_new_loads(relation, and_same=none) -%}
    {#- The loads this table does not hold yet. Not a maximum: a load may finish after a later one. Their rows are found first, by
        the place where they are: documents of other loads are not even read. DuckDB expects few rows of a list that it takes apart;
        of a load of many it may read all documents and look up the places in them. With `and_same`, a column, also the rows of other
        loads in which it has a value that is new. -#}
    {% if execute and model.resource_type != 'unit_test' and not must_reread() -%}
        {%- set loads = run_query(
            'select distinct _dlt_load_id from ' ~ relation
            ~ ' except select distinct _dlt_load_id from ' ~ this
            ~ (' except select value from ' ~ built_loads(model.fqn[2]) if is_noted('text', model.fqn[2]) else '')
        ).columns[0].values() -%}
        {% if loads -%}
            {%- set is_new = "_dlt_load_id in ('" ~ loads | join("', '") ~ "')" -%}
            and rowid in (
                select
                    unnest((
                        select list(place)
                        from (
                            select rowid as place from {{ relation }} where {{ is_new }}
                            {% if and_same -%}
                                union all
                                select rowid from {{ relation }}
                                where {{ and_same }} in (select {{ and_same }} from {{ relation }} where {{ is_new }})
                            {%- endif %}
                        )
                    ))
            )
        {%- else -%}
            and false
        {%- endif %}
    {%- endif %}
{%- endmacro %}
