{#- What the proofs (tests/data/proofs) are made of. A proof holds for whatever a platform may send: only our own models can break it.
    Each of its rows names an order: proof, platform, account, order_id, explanation. A run sets these orders aside, builds the rest
    and publishes it (warehouse/set_aside.py). An order_id of NULL names none: then nothing is published. What data can break is a
    finding: it warns (tests/data/findings), or is a row of rpt_reconciliation. -#}

{% macro grain(model, platform, key, order='order_id', account='account', not_null=[], accepted={}) -%}
    {#- A model has one row per `key`, and no NULL or unlisted value in the columns named. NULLs in a key count as equal. -#}
    {%- set rows = rows_to_prove(model) -%}
    select
        '{{ model }} has one row per {{ key | join(", ") }}' as proof,
        one.platform,
        one.account,
        one.order_id,
        copies || ' rows of ' || which as explanation
    from (
        select
            unnest(list(distinct {{ '{' }}platform: {{ platform }}, account: {{ account }}, order_id: {{ order }}{{ '}' }})) as one,
            count(*) as copies,
            concat_ws(' ', {{ key | join(', ') }}) as which
        from {{ rows }}
        group by {{ key | join(', ') }}
        having count(*) > 1
    )
    {%- for column in not_null %}
        union all
        select
            '{{ model }}.{{ column }} has a value' as proof,
            {{ platform }} as platform,
            {{ account }} as account,
            {{ order }} as order_id,
            '{{ column }} is NULL' as explanation
        from {{ rows }}
        where {{ column }} is null
    {%- endfor %}
    {%- for column, values in accepted.items() %}
        union all
        select
            '{{ model }}.{{ column }} has a known value' as proof,
            {{ platform }} as platform,
            {{ account }} as account,
            {{ order }} as order_id,
            '{{ column }} is ' || {{ column }} as explanation
        from {{ rows }}
        where {{ column }} not in ('{{ values | join("', '") }}')
    {%- endfor %}
{%- endmacro %}


{% macro order_of(row='') -%}
    {#- The order that a row of a fact belongs to; of a ticket in no order, the ticket; '' for what names no invoice. -#}
    coalesce({{ row }}order_id, '')
{%- endmacro %}


{% macro order_of_ticket(row='') -%}
    coalesce({{ row }}order_id, case {{ row }}platform when 'ticketor' then '' else {{ row }}ticket_id end)
{%- endmacro %}


{% macro keys_found(model, keys, order='order_id') -%}
    {#- Each key that is there is one of a row over there: `keys` is column to (model, its column). -#}
    {%- for column, (to, field) in keys.items() %}
        select
            '{{ model }}.{{ column }} is in {{ to }}' as proof,
            here.platform,
            here.account,
            {{ order }} as order_id,
            '{{ column }} ' || cast(here.{{ column }} as varchar) || ' is not in {{ to }}' as explanation
        from {{ rows_to_prove(model) }} as here
        anti join {{ ref(to) }} as there on here.{{ column }} = there.{{ field }}
        where here.{{ column }} is not null
        {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro holds(model, expressions, order='order_id') -%}
    {#- Each expression is true or NULL in every row. -#}
    {%- for expression in expressions %}
        select
            '{{ model }}: {{ expression | replace("'", "''") }}' as proof,
            platform,
            account,
            {{ order }} as order_id,
            'it is not so' as explanation
        from {{ rows_to_prove(model) }}
        where not ({{ expression }})
        {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro documents_held_once(platform) -%}
    {#- What documents hold (the CTE `staged`) is in intermediate (`held`) once, with an amount that some version of it has. Both have a
        row per account, item and id, with the `orders` that it was seen in. -#}
    select
        'what documents hold is in intermediate once' as proof,
        '{{ platform }}' as platform,
        coalesce(staged.account, held.account) as account,
        unnest(list_distinct(list_concat(staged.orders, held.orders))) as order_id,
        coalesce(staged.item, held.item) || ' ' || coalesce(staged.id, held.id) || case
            when staged.id is null then ' is made up'
            when held.id is null then ' is lost'
            when held.how_many > 1 then ' is there ' || held.how_many || ' times'
            else ' has the amount ' || held.amount || ', which no version of it has'
        end as explanation
    from staged
    full outer join held on staged.account = held.account and staged.item = held.item and staged.id = held.id
    where
        staged.id is null
        or held.id is null
        or held.how_many > 1
        or (held.amount is not null and not list_contains(staged.amounts, held.amount))
{%- endmacro %}
