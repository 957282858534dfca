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


{% macro is_balance(posting) -%}
    {#- Whether a posting is something owned or owed: it goes on from before the history, and income and costs do not. -#}
    {{ posting }} in (
        'receivable', 'receivable_unknown', 'clearing', 'unearned', 'output_tax', 'stored_value', 'tips', 'platform_fees_owed',
        'opening'
    )
{%- endmacro %}


{% macro months_of_accounts() -%}
    {#- For a view: one row per account and month, from its first posting to the month of the newest record of any account. -#}
    select
        platform,
        account,
        cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from (
        select
            platform,
            account,
            min(month) as first_month
        from {{ mart('fct_journal') }}
        group by all
    )
    cross join (
        select date_trunc('month', cast(timezone('UTC', max(last_record_at)) as date)) as last_month
        from {{ mart('dim_accounts') }}
    )
{%- endmacro %}
