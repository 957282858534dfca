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
