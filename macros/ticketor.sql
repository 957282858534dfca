{% macro minor_units_of(amount, currency) -%}
    {#- How many minor units of the currency an amount is, as a whole number; in ten thousandths where the currency's own decimals
        cannot hold the amount. With `multiplier_of`, so that `from_minor_units` finds the way back. -#}
    cast({{ amount }} * 10000 as hugeint) // (10000 // {{ multiplier_of(amount, currency) }})
{%- endmacro %}


{% macro multiplier_of(amount, currency) -%}
    case
        when {{ minor_units(currency) }} = 0 and cast({{ amount }} * 10000 as hugeint) % 10000 = 0 then 1
        when {{ minor_units(currency) }} = 2 and cast({{ amount }} * 10000 as hugeint) % 100 = 0 then 100
        when {{ minor_units(currency) }} = 3 and cast({{ amount }} * 10000 as hugeint) % 10 = 0 then 1000
        else 10000
    end
{%- endmacro %}


{% macro ticketor_reading(rest) -%}
    {#- What an invoice's total holds beyond its goods, read as the first of these sums that it is; NULL when it is none of them.
        Even readings add the invoice's own service charge, those from 5 on the tax that only its products tell; 1, 2, 5 and 6 take
        the discount off. -#}
    case {{ rest }}
        when -discount then 1
        when charge - discount then 2
        when 0 then 3
        when charge then 4
        when product_tax - discount then 5
        when product_tax + charge - discount then 6
        when product_tax then 7
        when product_tax + charge then 8
    end
{%- endmacro %}


{% macro heard_of() -%}
    {#- The people of whom loads tell that are not built yet. -#}
    {%- set loads = new_loads('ticketor') -%}
    {%- for model, id in [
        ('users', 'user_id'), ('invoices', 'buyer_id'), ('invoices', 'agent_id'), ('tickets', 'buyer_id'),
        ('product_sales', 'buyer_id'), ('payments', 'buyer_id'),
    ] %}
    select
        account,
        {{ id }} as customer_id
    from {{ ref('stg_ticketor__' ~ model) }}
    where {{ id }} is not null and _dlt_load_id in {{ loads }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro names_who_was_heard_of(model, who) -%}
    {#- The condition on rows that name somebody of `heard_of`, found by the id before names and addresses are read. -#}
    rowid in (
        select named.rowid
        from {{ ref('stg_ticketor__' ~ model) }} as named
        semi join heard_of on named.account = heard_of.account and named.{{ who }}_id = heard_of.customer_id
    )
{%- endmacro %}
