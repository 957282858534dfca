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
    {#- How many decimals a currency has; one that is not listed has two. -#}
    case
        {%- for decimals, codes in currency_decimals().items() %}
        when {{ currency }} in ('{{ codes | join("', '") }}') then {{ decimals }}
        {%- endfor %}
        else 2
    end
{%- endmacro %}
