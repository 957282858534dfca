{% macro generate_schema_name(custom_schema_name, node) -%}
    {#- `staging`, `intermediate`, `marts` as they are, without the target's name before them -#}
    {{ custom_schema_name or target.schema }}
{%- endmacro %}
