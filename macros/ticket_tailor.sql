{#- How Ticket Tailor spells a value. After an edit here run with --full-refresh: only a model's own text makes it read old documents again. -#}
{% macro tt_time(text) -%}
    {#- Ticket Tailor writes a time as unix seconds, as an object {unix, iso, ...} or as ISO text, differently on every object.
        From the text of any of them to TIMESTAMPTZ; what is none of them is NULL. -#}
    case
        when starts_with({{ text }}, '{') then to_timestamp(try_cast({{ text }} ->> '$.unix' as bigint))
        when try_cast({{ text }} as bigint) is not null then to_timestamp(try_cast({{ text }} as bigint))
        else try_cast({{ text }} as timestamptz)
    end
{%- endmacro %}


{% macro tt_currency(text) -%}
    {#- Upper-case ISO code from either spelling: an object {code, base_multiplier} (order, ticket) or a bare code (event, product). -#}
    upper(nullif(trim(case when starts_with({{ text }}, '{') then {{ text }} ->> '$.code' else {{ text }} end), ''))
{%- endmacro %}


{% macro tt_multiplier(text) -%}
    {#- Minor units in one major unit: what the currency object says, else what ISO 4217 says of the code. -#}
    coalesce(
        case when starts_with({{ text }}, '{') then nullif(try_cast({{ text }} ->> '$.base_multiplier' as bigint), 0) end,
        case {{ minor_units(tt_currency(text)) }} when 0 then 1 when 3 then 1000 else 100 end
    )
{%- endmacro %}


{% macro tt_unreadable(numbers, times=[]) -%}
    {#- Which of these values stand in the document but cannot be read as what they should be: their names, comma separated,
        '' when there is none. `numbers`: whole numbers (a fraction counts as unreadable: rounding would hide it). -#}
    concat_ws(
        ','
        {%- for name, text in numbers.items() %},
        case
            when coalesce(try_cast({{ text }} as decimal(18, 4)) <> try_cast({{ text }} as bigint), nullif({{ text }}, '') is not null)
                then '{{ name }}'
        end
        {%- endfor %}
        {%- for name, text in times %},
        case when nullif({{ text }}, '') is not null and {{ tt_time(text) }} is null then '{{ name }}' end
        {%- endfor %}
    )
{%- endmacro %}


{% macro tt_rest_is_known(rest) -%}
    {#- What an order's total holds beyond its lines is the exclusive tax, or booking fees on top, or both. -#}
    {{ rest }} in (
        tax_to_find, tax_to_find + fee_per_line, tax_to_find + fee_per_piece, fee_per_line, fee_per_piece
    )
{%- endmacro %}
