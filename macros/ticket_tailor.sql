{#- How Ticket Tailor spells a value. After an edit here run with --full-refresh: only a model's own text makes it read old documents again. -#}
{% macro tt_unix(seconds) -%}
    {#- Unix seconds to TIMESTAMPTZ. NULL for 0, which is how "never" is written, and for what no reader's calendar holds in every
        zone (held_time): from 9999-12-31 on. One number out of range would stop the whole build. -#}
    case when {{ seconds }} between 1 and 253402214399 then to_timestamp({{ seconds }}) end
{%- endmacro %}


{% macro tt_time_text(text) -%}
    {#- Ticket Tailor writes a time as unix seconds, as an object {unix, iso, ...} or as ISO text, differently on every object: the
        seconds or the text of any of them. -#}
    case
        when not starts_with({{ text }}, '{') then {{ text }}
        when json_valid({{ text }}) then coalesce({{ text }} ->> '$.unix', {{ text }} ->> '$.iso')
    end
{%- endmacro %}


{% macro tt_time(text) -%}
    {#- The text of a time to TIMESTAMPTZ; what is none is NULL. -#}
    {%- set said = tt_time_text(text) -%}
    case
        when try_cast({{ said }} as bigint) is not null then {{ tt_unix('try_cast(' ~ said ~ ' as bigint)') }}
        else {{ utc(said) }}
    end
{%- endmacro %}


{% macro tt_currency(code) -%}
    {#- Upper-case ISO code. -#}
    upper({{ cleaned(code) }})
{%- endmacro %}


{% macro tt_multiplier(code, given='null') -%}
    {#- Minor units in one major unit: what the currency object says (if it divides 10000: money has four decimals), else what
        ISO 4217 says of the code. -#}
    coalesce(
        case when 10000 % nullif(try_cast({{ given }} as bigint), 0) = 0 then abs(try_cast({{ given }} as bigint)) end,
        case {{ minor_units(tt_currency(code)) }} when 0 then 1 when 3 then 1000 else 100 end
    )
{%- endmacro %}


{% macro tt_whole(text) -%}
    {#- A whole number, of money in minor units or of pieces. NULL for anything else, a fraction too: rounding would hide it. -#}
    case when try_cast({{ text }} as decimal(18, 4)) = try_cast({{ text }} as bigint) then try_cast({{ text }} as bigint) end
{%- endmacro %}


{% macro tt_unreadable(numbers, times={}) -%}
    {#- Which of these values stand in the document but are not the number or time they should be, and so are NULL in their
        column: their names, comma separated, '' when there is none. -#}
    concat_ws(
        ','
        {%- for name, text in numbers.items() %},
        case when nullif({{ text }}, '') is not null and {{ tt_whole(text) }} is null then '{{ name }}' end
        {%- endfor %}
        {%- for name, text in times.items() %},
        case when nullif({{ tt_time_text(text) }}, '') <> '0' and {{ tt_time(text) }} is null then '{{ name }}' end
        {%- endfor %}
    )
{%- endmacro %}


{% macro tt_rest_is_known(rest) -%}
    {#- What an order's total holds beyond its lines is the exclusive tax, or booking fees on top, or both. -#}
    {{ rest }} in (
        tax_to_find, tax_to_find + fee_per_line, tax_to_find + fee_per_piece, fee_per_line, fee_per_piece
    )
{%- endmacro %}


{% macro tt_money_refunded(of) -%}
    {#- What of a version's refund_amount is money: all of it, unless a voucher is named; then what is left of it beside the
        credit. What had gone back as money before a voucher was named is money still. -#}
    case
        when not {{ of }}is_refunded_by_voucher then {{ of }}refund_amount
        else greatest(
            case
                when {{ of }}credited_out_amount > 0 then {{ of }}refund_amount - {{ of }}credited_out_amount
                else 0
            end,
            least({{ of }}refund_amount, refunded_before_voucher),
            0
        )
    end
{%- endmacro %}


{% test readable(model, list, values={}, element=none) %}
    {{ config(severity='warn') }}
    {#- Nothing that stands in a document may be NULL in its column. A single value that cannot be read warns
        (tests/data/values_are_read.sql); a pattern of them may be a shape that we misread: more than 5 rows, and more than one in a
        hundred. It warns as well: a platform may send whatever it likes, and the rest is published. Two looks: what the model itself could not read, and the documents of the newest load read by path, past
        the model's declared shape (`values`: column to path; `element`: the column of the place, for a list's first element). -#}
    with newest as (
        select version_id, document
        from {{ source('raw_ticket_tailor', list) }}
        where _dlt_load_id = (select max(_dlt_load_id) from {{ source('raw_ticket_tailor', list) }})
    ),

    {#- joined once: there may be millions of rows, and a dozen columns -#}
    read as (
        select newest.version_id, newest.document{% for column in values %}, model.{{ column }}{% endfor %}
        from newest
        left join {{ model }} as model
            on newest.version_id = model.version_id{% if element %} and model.{{ element }} = 1{% endif %}
    ),

    bad as (
        select version_id, unreadable as what
        from {{ model }}
        where unreadable <> ''
        {% for column, path in values.items() %}
        union all
        select version_id, '{{ column }}' as what
        from read
        where {{ column }} is null and {{ cleaned("json_extract_string(document, '" ~ path ~ "')") }} is not null
        {% endfor %}
    )

    select * from bad
    where (select count(*) from bad) > greatest(5, (select count(*) from {{ model }}) // 100)
{% endtest %}
