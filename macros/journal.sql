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
        else coalesce({{ wide(of ~ '.tax_by_rate') }}, {{ wide(of ~ '.tax_amount') }}, 0)
    end
{%- endmacro %}


{% macro tax_in(amount, rate, currency) -%}
    {#- The tax inside an amount at a rate in per cent, half up to the currency's minor unit. Whole numbers: no rounding error. -#}
    {%- set of_whole = 'cast(' ~ rate ~ ' * 10000 as hugeint)' -%}
    {%- set unit = smallest_unit(currency) -%}
    cast(
        cast(sign({{ amount }}) * (
            (2 * abs({{ ten_thousandths(amount) }}) * {{ of_whole }} + {{ unit }} * (1000000 + {{ of_whole }}))
            // (2 * {{ unit }} * (1000000 + {{ of_whole }})) * {{ unit }}
        ) as decimal(38, 0)) * 0.0001 as decimal(18, 4)
    )
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


{% macro begins_at_zero(platform, posting) -%}
    {#- Whether all that a posting ever held is in the tables. Income and costs begin at nothing. What is owned or owed does where the
        platform's orders are read from the first one on (Ticket Tailor); but no platform reports what cards and credit hold. -#}
    (
        {{ posting }} not in (
            'receivable', 'receivable_unknown', 'clearing', 'unearned', 'output_tax', 'stored_value', 'tips',
            'platform_fees_owed', 'opening'
        )
        or ({{ platform }} = 'ticket_tailor' and {{ posting }} not in ('stored_value', 'opening'))
    )
{%- endmacro %}


{% macro months_of_accounts() -%}
    {#- For a view: one row per account and month, from its first posting to the month of the newest record of any account. Where a
        platform dates an order in the year 2, that month is one of its own, and the centuries up to 1990 are not. -#}
    select distinct
        platform,
        account,
        month
    from {{ mart('fct_journal') }}
    where month < date '1990-01-01'
    union all
    select
        platform,
        account,
        cast(unnest(generate_series(first_month, last_month, interval 1 month)) as date) as month
    from (
        select
            platform,
            account,
            greatest(min(month), date '1990-01-01') as first_month
        from {{ mart('fct_journal') }}
        group by all
    )
    cross join (
        select date_trunc('month', cast(timezone('UTC', max(last_record_at)) as date)) as last_month
        from {{ mart('dim_accounts') }}
    )
{%- endmacro %}


{% macro carried_forward(by, measures, condition, basis, sign='') -%}
    {#- For a view: what fct_journal moved in each month, and with what the month began and ended. One row per month of an account and
        value of the columns `by`, also where nothing moved: `measures` (name to a sum, 0 where there is none), `opening`, `closing`,
        both NULL where they are not known, `opening_basis` and `has_moved`. A row of opening_balances counts from its month on, and
        what was posted before is in it; without one, `basis` says what is known. One that came after its month was closed is posted
        later, and changes nothing before. -#}
    with journal as (
        select
            *,
            cast(date_trunc('month', origin_on) as date) as origin_month,
            min(case rule when 'opening' then month end) over (partition by {{ by | join(', ') }}) as known_from,
            rule = 'opening' and month = known_from as is_opening
        from {{ mart('fct_journal') }}
        where {{ condition }}
    ),

    balances as (
        select
            {{ by | join(', ') }},
            known_from,
            min(origin_month) filter (where is_opening) as counted_from,
            {{ sign }}sum(amount) filter (where is_opening) as seeded
        from journal
        group by all
    ),

    moved as (
        select
            month,
            {{ by | join(', ') }},
            {% for name, amount in measures.items() -%}
            {{ amount }} as {{ name }},
            {% endfor -%}
            {{ sign }}sum(amount) as change
        from journal
        where not is_opening
        group by all
    ),

    months as (
        {{ months_of_accounts() }}
    ),

    filled as (
        select
            months.month,
            balances.*,
            {% for name in measures -%}
            coalesce(moved.{{ name }}, 0) as {{ name }},
            {% endfor -%}
            moved.month is not null as has_moved,
            case when balances.known_from is null then {{ basis }} else 'seed' end as opening_basis,
            case when coalesce(months.month >= balances.counted_from, true) then coalesce(moved.change, 0) else 0 end as change
        from balances
        inner join months on balances.platform = months.platform and balances.account = months.account
        left join moved
            on
                months.month = moved.month
                {% for column in by -%}
                and balances.{{ column }} is not distinct from moved.{{ column }}
                {% endfor %}
    )

    select
        *,
        closing - change as opening
    from (
        select
            *,
            case
                when opening_basis = 'history' or month >= known_from
                    then coalesce(seeded, 0) + sum(change) over (partition by {{ by | join(', ') }} order by month)
            end as closing
        from filled
    )
{%- endmacro %}
