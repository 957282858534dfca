{% macro currency_decimals() -%}
    {#- Decimals of ISO 4217 that are not two, with BYR, which ended in 2016. warehouse/currencies.py reads this list too. -#}
    {{ return({
        0: [
            'BIF', 'BYR', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF',
            'XOF', 'XPF',
        ],
        3: ['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND'],
        4: ['CLF', 'UYW'],
    }) }}
{%- endmacro %}


{% macro minor_units(currency) -%}
    {#- How many decimals a currency has; one that is not listed has two. With `in (…)` DuckDB would make a table of each list, and
        join it: 84 joins in one model. -#}
    case
        {%- for decimals, codes in currency_decimals().items() %}
        when list_contains(['{{ codes | join("', '") }}'], {{ currency }}) then {{ decimals }}
        {%- endfor %}
        else 2
    end
{%- endmacro %}


{% macro smallest_unit(currency) -%}
    {#- The smallest unit of a currency, in ten thousandths of it. -#}
    (case {{ minor_units(currency) }} when 0 then 10000 when 3 then 10 when 4 then 1 else 100 end)
{%- endmacro %}
