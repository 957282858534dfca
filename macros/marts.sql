{% macro local_day(at, zone) -%}
    {#- The calendar day of a UTC time in a named zone. -#}
    cast(timezone({{ zone }}, {{ at }}) as date)
{%- endmacro %}


{% macro named_zones() -%}
    {#- The accounts' zones, to be written into a query: to ask for a day costs six times as much where the zone comes with the row. -#}
    {%- set names = value_of_build(
        "select string_agg(distinct reporting_zone, ' ') from " ~ node_of('int_reporting_zones').relation_name
    ) if execute and model.resource_type != 'unit_test' -%}
    {{ return((names or '').split()) }}
{%- endmacro %}


{% macro account_day(at, zones) -%}
    {#- The calendar day of a UTC time at an account, by its row of int_reporting_zones. -#}
    case
        when {{ at }} is null then null
        {%- for zone in named_zones() %}
        when {{ zones }}.reporting_zone = '{{ zone }}' then {{ local_day(at, "'" ~ zone ~ "'") }}
        {%- endfor %}
        else {{ local_day(at, "coalesce(" ~ zones ~ ".reporting_zone, 'UTC')") }}
    end
{%- endmacro %}


{% macro ticket_key(of) -%}
    {#- A ticket issued without an order has no order id: it still has a key. -#}
    {{ key([of ~ '.platform', of ~ '.account', "coalesce(" ~ of ~ ".order_id, '')", of ~ '.ticket_id']) }}
{%- endmacro %}


{% macro is_exchange(order_type) -%}
    contains({{ order_type }}, 'exchange')
{%- endmacro %}


{% macro is_return(order_type, related='related_order_id') -%}
    {#- Orders that give back: their total is negative and their lines are refunds. Ticketor lists its types nowhere: what refers to
        another order and is neither a sale nor an exchange gives back, whatever it is called. -#}
    (
        regexp_matches({{ order_type }}, '^(return|refund|void|cancel)')
        or ({{ order_type | replace('order_type', related) }} is not null and {{ order_type }} <> 'sale' and not {{ is_exchange(order_type) }})
    )
{%- endmacro %}


{% macro ledger_kind(kind) -%}
    {#- The kinds of lines there are. Products may be of any kind that people name in a seed; in the ledger they are products. -#}
    case
        when {{ kind }} in (
            'ticket', 'product', 'donation', 'membership', 'gift_card', 'buyer_fee', 'delivery', 'tip', 'tax', 'discount',
            'refund', 'credited', 'unexplained'
        ) then {{ kind }}
        when {{ kind }} is not null then 'product'
    end
{%- endmacro %}


{% macro is_given_back(kind='line_kind') -%}
    {#- The kinds of lines that give back, as money or as credit: of a sale they are no part of its total. -#}
    {{ kind }} in ('refund', 'credited')
{%- endmacro %}


{% macro in_currency(amount, currency) -%}
    {#- An amount for a sentence: with the currency's own decimals, or four where it has more. -#}
    case
        when {{ amount }} is null then 'an unknown amount'
        when {{ minor_units(currency) }} = 0 and {{ amount }} = trunc({{ amount }}) then cast(cast({{ amount }} as decimal(38, 0)) as varchar)
        when {{ minor_units(currency) }} = 2 and {{ amount }} = cast({{ amount }} as decimal(38, 2)) then cast(cast({{ amount }} as decimal(38, 2)) as varchar)
        when {{ minor_units(currency) }} < 4 and {{ amount }} = cast({{ amount }} as decimal(38, 3)) then cast(cast({{ amount }} as decimal(38, 3)) as varchar)
        else cast({{ amount }} as varchar)
    end || coalesce(' ' || {{ currency }}, '')
{%- endmacro %}


{% macro part_up_to(amount, so_far, whole, currency) -%}
    {#- How much of an amount falls to the first `so_far` of `whole`, in ten thousandths, cut to the currency's minor unit.
        The shares of several takers are differences of this, so that they add up to the amount. Whole numbers: no rounding error. -#}
    case
        when {{ so_far }} = {{ whole }} then {{ ten_thousandths(amount) }}
        else
            {{ ten_thousandths(amount) }} * {{ ten_thousandths(so_far) }} // {{ ten_thousandths(whole) }}
            // {{ smallest_unit(currency) }} * {{ smallest_unit(currency) }}
    end
{%- endmacro %}


{% macro share(amount, taker, currency) -%}
    {#- What of an amount falls to a taker between `so_far_before` and `so_far` of `whole`. -#}
    cast(
        cast(
            ({{ part_up_to(amount, taker ~ '.so_far', taker ~ '.whole', currency) }})
            - ({{ part_up_to(amount, taker ~ '.so_far_before', taker ~ '.whole', currency) }})
            as decimal(38, 0)
        ) * 0.0001 as decimal(38, 4)
    )
{%- endmacro %}


{% macro ratio(part, whole) -%}
    {#- A share of a whole with four decimals; only asked where the whole is above 0. Division makes a double, so it is cast back. -#}
    cast(({{ part }}) / ({{ whole }}) as decimal(18, 4))
{%- endmacro %}


{% macro measures_of_money() -%}
    {{ return([
        'gross_sales', 'refunds', 'refunds_of_sales', 'refunds_of_fees', 'refunds_of_donations', 'refunds_of_tax',
        'refunds_of_other', 'credited', 'credited_of_sales', 'buyer_fees', 'tips', 'donations', 'tax', 'delivery', 'gift_cards',
        'discounts', 'unexplained', 'charged_total', 'receipts',
    ]) }}
{%- endmacro %}


{% macro parts_of_fees() -%}
    {#- What a platform's fee consists of, in fct_orders (`_fee_amount`) and rpt_daily_sales (`_fees`). -#}
    {{ return(['ticketing', 'protection', 'ad', 'processing', 'delivery']) }}
{%- endmacro %}


{% macro knows_all_fees(of, account) -%}
    {{ account }}.knows_fees and {{ of }}.orders_without_fees = 0
{%- endmacro %}


{% macro known_fees(of, fees, account) -%}
    {#- Fees, 0 where no order could have any, NULL where they are not known. -#}
    {{ money('coalesce(' ~ of ~ '.' ~ fees ~ ', case when ' ~ knows_all_fees(of, account) ~ ' then 0 end)') }}
{%- endmacro %}


{% macro summed_measures() -%}
    {#- The measures of the reports that can be added up, added up, with room for all digits. What is not known stays NULL:
        platform_fees and tax_inside. -#}
    {% for measure in measures_of_money() -%}
    {{ wide('coalesce(sum(' ~ measure ~ '), 0)') }} as {{ measure }},
    {% endfor -%}
    {{ wide('sum(tax_inside)') }} as tax_inside,
    {{ wide('sum(platform_fees)') }} as platform_fees,
    {%- for count in [
            'sales_without_tax', 'tickets_sold', 'comps', 'tickets_imported', 'tickets_returned', 'orders',
            'orders_without_fees',
        ] %}
    cast(coalesce(sum({{ count }}), 0) as bigint) as {{ count }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro measures(of, account) -%}
    {#- All measures of a report in their order, with the ones that are differences of others. -#}
    {%- set net_sales = of ~ '.gross_sales - ' ~ of ~ '.refunds_of_sales - ' ~ of ~ '.credited_of_sales' -%}
    {% for measure in measures_of_money() -%}
    {{ money(of ~ '.' ~ measure) }} as {{ measure }},
    {% if measure == 'tax' -%}
    case
        when {{ of }}.sales_without_tax = 0 then {{ money('coalesce(' ~ of ~ '.tax_inside, 0)') }}
    end as tax_inside,
    {% endif -%}
    {% if measure == 'credited_of_sales' -%}
    {{ money(net_sales) }} as net_sales,
    {% endif -%}
    {% endfor -%}
    {{ known_fees(of, 'platform_fees', account) }} as platform_fees,
    case
        when {{ knows_all_fees(of, account) }} then {{ money(net_sales ~ ' - coalesce(' ~ of ~ '.platform_fees, 0)') }}
    end as net_after_fees,
    {{ of }}.tickets_sold,
    {{ of }}.comps,
    {{ of }}.tickets_imported,
    {{ of }}.tickets_returned,
    {{ of }}.orders,
    {{ of }}.orders_without_fees
{%- endmacro %}


{% macro which_agree(theirs, readings) -%}
    {#- The names of the readings that equal what the platform says, comma separated, or `neither`. -#}
    coalesce(
        nullif(
            concat_ws(
                ', ',
                {%- for name, ours in readings.items() %}
                case when {{ ours }} = {{ theirs }} then '{{ name }}' end{{ ',' if not loop.last }}
                {%- endfor %}
            ), ''
        ), 'neither'
    )
{%- endmacro %}


{% macro text_columns(mart) -%}
    {#- The columns of a mart that hold text, from its contract, comma separated; keys apart, which are hashes. -#}
    {%- set names = [] -%}
    {%- if execute -%}
        {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ mart].columns.values()
            if column.data_type == 'varchar' and not column.name.endswith('_key') -%}
            {%- do names.append(adapter.quote(column.name)) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return((names or ['platform']) | join(', ')) }}
{%- endmacro %}


{% macro shared_columns(model, mart) -%}
    {#- What a mart takes over from a model, by what both are documented to hold: [column, its type, what it is made from]. A key
        is made from an id. -#}
    {%- set shared = [] -%}
    {%- if execute -%}
        {%- set columns = graph.nodes['model.' ~ project_name ~ '.' ~ model].columns -%}
        {%- for column in graph.nodes['model.' ~ project_name ~ '.' ~ mart].columns.values() -%}
            {%- set origin = column.name if column.name in columns else column.name | replace('_key', '_id') -%}
            {%- if origin in columns and origin not in ['platform', 'account'] -%}
                {%- do shared.append([column.name, column.data_type, origin]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(shared or [['currency', 'varchar', 'currency']]) }}
{%- endmacro %}


{% macro mart(name) -%}
    {#- ref(name) for a view of the marts: without the catalog, which is another one in the published file. -#}
    {{ return(ref(name).include(database=false)) }}
{%- endmacro %}


{% macro mart_views() -%}
    {#- The marts that are views: they hold nothing that the tables do not. -#}
    {{ return([
        'fct_fees', 'rpt_adjustments', 'rpt_deferred', 'rpt_month_balances', 'rpt_payouts', 'rpt_receivables', 'rpt_refunds',
        'rpt_stored_value', 'rpt_tax',
    ]) }}
{%- endmacro %}


{% macro mart_names() -%}
    {#- Every table and view of the marts: the tests that look at all of them go through this list, and one keeps it complete. -#}
    {{ return([
        'dim_accounts', 'dim_customers', 'dim_dates', 'dim_events', 'dim_products', 'dim_vouchers',
        'fct_balance_transactions', 'fct_holds', 'fct_journal', 'fct_memberships', 'fct_order_changes', 'fct_order_lines', 'fct_orders', 'fct_payments',
        'fct_product_sales', 'fct_tickets', 'fct_waitlist_signups',
        'refused_records',
        'rpt_closes', 'rpt_daily_event_sales', 'rpt_daily_sales', 'rpt_event_sales', 'rpt_event_totals',
        'rpt_reconciliation', 'rpt_sales_curve',
    ] + mart_views()) }}
{%- endmacro %}
