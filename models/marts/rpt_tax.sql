-- One row per month, account, currency, rate, basis and tax code: tax on sales and on what was given back.
{{ config(materialized='view') }}

with lines as (
    select
        cast(date_trunc('month', lines.booked_on) as date) as month,
        lines.platform,
        lines.account,
        coalesce(lines.currency, 'XXX') as currency,
        lines.order_key,
        lines.tax_rate,
        lines.tax_code,
        coalesce(lines.refund_of, lines.line_kind) as kind,
        {{ is_given_back('lines.line_kind') }} as is_given_back,
        {{ untaxed('lines') }} as untaxed,
        {{ tax_inside('lines') }} as tax_inside,
        coalesce(lines.tax_by_rate, lines.tax_amount) is null as is_unknown,
        case
            when lines.tax_by_rate is not null then 'inclusive'
            when sales.tax_amount <> 0 then sales.tax_basis
            when orders.tax_amount <> 0 then orders.tax_basis
            when coalesce(sales.tax_amount, orders.tax_amount) = 0 then 'none'
            else 'unknown'
        end as basis
    from {{ mart('fct_order_lines') }} as lines
    left join {{ mart('fct_orders') }} as orders on lines.order_key = orders.order_key
    -- what a return gives back was sold in another order
    left join {{ mart('fct_orders') }} as sales
        on case when {{ is_given_back('lines.line_kind') }} then orders.related_order_key end = sales.order_key
    where lines.booked_on is not null
),

split as (
    select
        *,
        case kind when 'tax' then untaxed else tax_inside end as tax,
        case kind when 'tax' then 0 else untaxed end as taxable
    from lines
    where kind in ('ticket', 'product', 'membership', 'buyer_fee', 'delivery', 'discount', 'tax')
)

select
    month,
    platform,
    account,
    currency,
    tax_rate,
    basis,
    tax_code,
    {{ money('coalesce(sum(taxable) filter (where not is_given_back), 0)') }} as taxable,
    {{ money('coalesce(sum(tax) filter (where not is_given_back), 0)') }} as tax,
    {{ money('coalesce(-sum(taxable) filter (where is_given_back), 0)') }} as taxable_given_back,
    {{ money('coalesce(-sum(tax) filter (where is_given_back), 0)') }} as tax_given_back,
    count(distinct order_key) filter (
        where is_unknown and kind in ('ticket', 'product', 'membership')
    ) as orders_not_known
from split
group by all
