{% macro posting_of(kind) -%}
    {#- Where the amount of a kind of line is posted once it is earned. -#}
    case {{ kind }}
        when 'ticket' then 'tickets'
        when 'product' then 'products'
        when 'membership' then 'memberships'
        when 'donation' then 'donations'
        when 'gift_card' then 'stored_value'
        when 'buyer_fee' then 'buyer_fees'
        when 'delivery' then 'delivery'
        when 'tip' then 'tips'
        when 'tax' then 'output_tax'
        when 'discount' then 'discounts'
        else 'unexplained'
    end
{%- endmacro %}


{% macro posting_of_fee(part) -%}
    {#- The cost that a part of a platform's fee is posted to. -#}
    {{ return('platform_fees' if part == 'ticketing' else part ~ '_fees') }}
{%- endmacro %}


{% macro untaxed(of) -%}
    {#- A line's amount without the tax inside it; a line of tax is all tax. -#}
    {{ wide(of ~ '.amount') }} - {{ tax_inside(of) }}
{%- endmacro %}


{% macro tax_inside(of) -%}
    case
        when coalesce({{ of }}.refund_of, {{ of }}.line_kind) = 'tax' then 0
        else coalesce({{ wide(of ~ '.tax_amount') }}, 0)
    end
{%- endmacro %}


{% macro posted(columns, pairs) -%}
    {#- A source row as several postings: `pairs` are [posting, amount], which add up to 0. -#}
    {{ columns | join(', ') }},
    unnest([
        {%- for posting, amount in pairs %}
        {'posting': {{ posting }}, 'amount': {{ wide(amount) }}}{{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)
{%- endmacro %}
