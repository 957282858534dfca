{% macro drop_vanished() -%}
    {#- After everything was built by another text of the project: tables and views of models that it has no more, such as those of an
        earlier release. The schemas of models and seeds are the project's own. -#}
    {#- as it was when the build began: value_of_build -#}
    {%- set was_by_this_text = is_noted('text', 'ticketor') and is_noted('text', 'ticket_tailor') if execute -%}
    {%- if execute and not was_by_this_text and is_built_by_this_text() -%}
        {%- set names, schemas = [], [] -%}
        {%- for relation in [built(), set_aside(), unpublished_marts(), unpublished_orders(), published()] -%}
            {%- do names.append(relation | trim) -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values() if node.resource_type in ['model', 'seed'] -%}
            {%- do names.append(node.relation_name) -%}
            {%- do schemas.append(node.schema) -%}
        {%- endfor -%}
        {%- for schema, name, type in run_query(
            "select table_schema, table_name, table_type from information_schema.tables "
            ~ "where table_catalog = '" ~ target.database ~ "' and table_schema in ('" ~ schemas | unique | join("', '") ~ "')"
        ).rows -%}
            {%- set relation = api.Relation.create(
                database=target.database, schema=schema, identifier=name, type='view' if type == 'VIEW' else 'table'
            ) -%}
            {%- do adapter.drop_relation(relation) if relation | string not in names -%}
        {%- endfor -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{%- endmacro %}


{% macro is_built_by_this_text() -%}
    {{ return(first_value(
        "select count(distinct platform) = 2 from " ~ built()
        ~ " where part = 'text' and value = (select value from " ~ built() ~ " where part = 'text of now')"
    )) }}
{%- endmacro %}
