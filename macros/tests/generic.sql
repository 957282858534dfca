{% test unique_combination(model, columns) %}
    {#- No two rows share these columns; NULLs count as equal. -#}
    select {{ columns | join(', ') }}, count(*) as how_many
    from {{ model }}
    group by all
    having count(*) > 1
{% endtest %}


{% test expression_is_true(model, expression) %}
    {#- The expression holds in every row; a row where it is NULL passes. -#}
    select *
    from {{ model }}
    where not ({{ expression }})
{% endtest %}


{% test keys_are_found(model, keys) %}
    {#- Each key that is there is one of a row over there: `keys` is column to {to, field}. dbt's `relationships` of all keys of a
        table at once, which reads the table once. -#}
    with rows_with_keys as (
        select {{ keys | join(', ') }} from {{ model }}
    )

    {% for column, found in keys.items() %}
    select '{{ column }}' as what, cast(here.{{ column }} as varchar) as not_found
    from rows_with_keys as here
    anti join {{ found.to }} as there on here.{{ column }} = there.{{ found.field }}
    where here.{{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endtest %}
