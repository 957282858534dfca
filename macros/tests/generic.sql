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
