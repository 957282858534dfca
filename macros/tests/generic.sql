{% test well_formed(model, one_row_per=[], not_null=[], accepted_values={}) %}
    {#- dbt's `unique`, `not_null` and `accepted_values` of a table in one look at it: each node more costs every build. Columns
        that make a row one of its kind may be NULL, and NULLs count as equal. -#}
    with looked_at as (
        select {{ (one_row_per + not_null + accepted_values.keys() | list) | unique | join(', ') }} from {{ model }}
    ),

    findings as (
        {% if one_row_per -%}
        select 'doubled' as what, concat_ws(' ', {{ one_row_per | join(', ') }}) as value, count(*) as how_many
        from looked_at
        group by {{ one_row_per | join(', ') }}
        having count(*) > 1
        union all
        {% endif -%}
        {% for column in not_null -%}
        select '{{ column }}' as what, null as value, count(*) as how_many
        from looked_at
        where {{ column }} is null
        union all
        {% endfor -%}
        {% for column, values in accepted_values.items() -%}
        select '{{ column }}' as what, {{ column }} as value, count(*) as how_many
        from looked_at
        where {{ column }} not in ('{{ values | join("', '") }}')
        group by {{ column }}
        union all
        {% endfor -%}
        select null as what, null as value, 0 as how_many
    )

    select * from findings where how_many > 0
{% endtest %}


{% test expressions_are_true(model, expressions) %}
    {#- Each expression holds in every row; a row where it is NULL passes. -#}
    select *
    from {{ model }}
    where not (({{ expressions | join(') and (') }}))
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
