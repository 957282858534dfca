{#- What the proofs (tests/data/proofs) are made of. A proof holds for whatever a platform may send: only our own models can break it.
    Each of its rows names an order: proof, platform, account, order_id, explanation. A run sets these orders aside, builds the rest
    and publishes it (warehouse/set_aside.py). An order_id of NULL names none: then nothing is published. What data can break is a
    finding: it warns (tests/data/findings), or is a row of rpt_reconciliation. -#}

{% macro grain(model, platform, key, order='order_id', account='account', not_null=[], accepted={}) -%}
    {#- A model has one row per `key`, and no NULL or unlisted value in the columns named. NULLs in a key count as equal. Hashes of keys
        are counted first: keys themselves, and a list of orders for each, do not fit into memory for a million orders. -#}
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
        where hash({{ key | join(', ') }}) in (select hash({{ key | join(', ') }}) from {{ rows }} group by all having count(*) > 1)
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


{% macro documents_in_doubt() -%}
    {#- CTEs for documents_held_once, after `staged_rows` and `held_rows`: the rows of both that it compares. Hashes are grouped first,
        which leaves nothing to compare where all is well. -#}
    sides as not materialized (
        select hash(account, item, id) as document, amount, false as is_held from staged_rows
        union all
        select hash(account, item, id) as document, amount, true as is_held from held_rows
    ),

    suspects as (
        select document
        from sides
        group by document
        having count(*) filter (where is_held) <> 1 or bool_and(is_held)
        union
        -- amounts that are in no document
        select document
        from sides
        where amount is not null
        group by document, amount
        having bool_and(is_held)
    ),

    staged_in_doubt as (
        select * from staged_rows
        where hash(account, item, id) in (select document from suspects)
    ),

    held_in_doubt as (
        select * from held_rows
        where hash(account, item, id) in (select document from suspects)
    )
{%- endmacro %}


{% macro documents_held_once(platform) -%}
    {#- What documents hold (`staged_in_doubt`) is in intermediate (`held_in_doubt`) once, with an amount that some version of it has. Both
        have account, order_id, item, id and amount. -#}
    {%- set key = 'here.account = there.account and here.item = there.item and here.id = there.id' -%}
    select distinct
        'what documents hold is in intermediate once' as proof,
        '{{ platform }}' as platform,
        found.account,
        coalesce(seen.order_id, '') as order_id,
        found.item || ' ' || coalesce(found.id, '') || found.what as explanation
    from (
        select here.account, here.item, here.id, ' is lost' as what
        from staged_in_doubt as here
        anti join held_in_doubt as there on {{ key }}
        union all
        select here.account, here.item, here.id, ' is made up' as what
        from held_in_doubt as here
        anti join staged_in_doubt as there on {{ key }}
        union all
        select account, item, id, ' is there ' || count(*) || ' times' as what
        from held_in_doubt
        group by account, item, id
        having count(*) > 1
        union all
        select here.account, here.item, here.id, ' has the amount ' || here.amount || ', which no version of it has' as what
        from held_in_doubt as here
        semi join staged_in_doubt as there on {{ key }}
        anti join staged_in_doubt as there on {{ key }} and here.amount = there.amount
        where here.amount is not null
    ) as found
    inner join (
        select account, order_id, item, id from staged_in_doubt
        union all
        select account, order_id, item, id from held_in_doubt
    ) as seen
        on found.account = seen.account and found.item = seen.item and found.id is not distinct from seen.id
{%- endmacro %}
