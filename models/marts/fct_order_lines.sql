-- One row per signed amount of an order: the ledger. Every report of money is a sum of it.
{{ config(materialized='touched') }}
{% set sold_on = account_day('coalesce(sales.ordered_at, orders.ordered_at, ledger.booked_at)', 'zones') %}
{% set kind = ledger_kind('coalesce(ledger.refund_of, ledger.line_kind)') %}

with orders as {{ kept() }} (
    select * from {{ touched_of_both('orders') }}
),

lines as {{ kept() }} (
    select * from {{ touched_of_both('order_lines') }}
),

added_up as (
    select
        platform,
        account,
        order_id,
        currency,
        sum(amount) as everything,
        sum(amount) filter (where not {{ is_given_back() }}) as charged
    from lines
    group by all
),

-- what the platform's own numbers leave open is a line of its own: the lines always make the order's total
unexplained as (
    select
        orders.platform,
        orders.account,
        orders.order_id,
        'unexplained' as line_id,
        orders.event_id,
        'unexplained' as line_kind,
        {{ money(
            'orders.total_amount - coalesce(if('
            ~ is_return('orders.order_type') ~ ', added_up.everything, added_up.charged), 0)'
        ) }} as amount,
        orders.currency,
        -- what a return has not given back has not moved: it lowers nothing that was charged
        case
            when orders.is_booked and not {{ is_return('orders.order_type') }}
                then coalesce(orders.ordered_at, orders.first_seen_at)
        end as booked_at,
        case when orders.ordered_at is null then 'first_seen' else 'platform' end as date_basis
    from orders
    left join added_up
        on
            orders.platform = added_up.platform
            and orders.account = added_up.account
            and orders.order_id = added_up.order_id
            and orders.currency is not distinct from added_up.currency
),

ledger as (
    select * from lines
    union all by name
    select * from unexplained
    where amount <> 0
),

-- the rate of the day of the sale, also for what is given back of it
rates as (
    select
        ledger.platform,
        ledger.account,
        ledger.order_id,
        ledger.line_id,
        seed.rate,
        seed.basis,
        nullif(seed.tax_code, '') as tax_code,
        coalesce(orders.tax_amount, 0) = 0 and coalesce(sales.tax_amount, 0) = 0 and {{ kind }} <> 'tax' as is_unknown
    from ledger
    inner join {{ ref('tax_rates') }} as seed
        on
            seed.platform in (ledger.platform, '%')
            and ledger.account like seed.account_pattern
            and (
                seed.line_kind = {{ kind }}
                or (
                    seed.line_kind = '%'
                    and {{ kind }} in ('ticket', 'product', 'membership', 'buyer_fee', 'delivery', 'discount', 'tax')
                )
            )
    left join orders
        on
            ledger.platform = orders.platform
            and ledger.account = orders.account
            and ledger.order_id = orders.order_id
    left join orders as sales
        on
            orders.platform = sales.platform
            and orders.account = sales.account
            and case when {{ is_given_back('ledger.line_kind') }} then orders.related_order_id end = sales.order_id
    left join {{ ref('shows') }} as shows
        on
            ledger.platform = shows.platform
            and ledger.account = shows.account
            and ledger.event_id = shows.event_id
    left join {{ ref('int_reporting_zones') }} as zones
        on ledger.platform = zones.platform and ledger.account = zones.account
    where
        seed.production in (shows.production, '%')
        and seed.valid_from <= {{ sold_on }}
    qualify
        row_number() over (
            partition by ledger.platform, ledger.account, ledger.order_id, ledger.line_id
            order by
                seed.platform = '%' asc, length(seed.account_pattern) desc, seed.line_kind = '%' asc,
                seed.production = '%' asc, seed.valid_from desc, seed.account_pattern asc
        ) = 1
)

select
    {{ key(['ledger.platform', 'ledger.account', 'ledger.order_id', 'ledger.line_id']) }} as order_line_key,
    ledger.platform,
    ledger.account,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.order_id']) }} as order_key,
    ledger.order_id,
    ledger.line_id,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.event_id']) }} as event_key,
    case when not {{ is_given_back('ledger.line_kind') }} then {{ ticket_key('ledger') }} end as ticket_key,
    {{ key(['ledger.platform', 'ledger.account', 'ledger.product_sale_id']) }} as product_sale_key,
    {{ ledger_kind('ledger.line_kind') }} as line_kind,
    {{ ledger_kind('ledger.refund_of') }} as refund_of,
    ledger.amount,
    ledger.tax_amount,
    rates.rate as tax_rate,
    case
        when rates.is_unknown and rates.basis = 'inclusive'
            then {{ tax_in('ledger.amount', 'rates.rate', 'ledger.currency') }}
    end as tax_by_rate,
    rates.tax_code,
    ledger.currency,
    ledger.booked_at,
    {{ account_day('ledger.booked_at', 'zones') }} as booked_on,
    ledger.date_basis
from ledger
left join {{ ref('int_reporting_zones') }} as zones
    on ledger.platform = zones.platform and ledger.account = zones.account
left join rates
    on
        ledger.platform = rates.platform
        and ledger.account = rates.account
        and ledger.order_id = rates.order_id
        and ledger.line_id = rates.line_id
