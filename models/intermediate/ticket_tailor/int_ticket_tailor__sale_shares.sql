{{ config(materialized='touched') }}

with goods as (

    select
        account,
        order_id,
        line_id,
        'ticket' as line_kind,
        ticket_id,
        null as item_id,
        null as description,
        null as quantity,
        null as unit_value,
        goods,
        fee,
        is_of_bundle
    from {{ ref('int_ticket_tailor__ticket_shares') }}

    union all

    select
        lines.account,
        lines.order_id,
        lines.line_id,
        case lines.line_class when 'voucher' then 'gift_card' else lines.line_class end as line_kind,
        null as ticket_id,
        lines.item_id,
        lines.description,
        lines.quantity,
        lines.unit_value,
        lines.goods,
        lines.fee_inside + case sums.fee_on_top
            when 'per line' then lines.fee_per_line
            when 'per piece' then lines.fee_per_piece
            else 0
        end as fee,
        false as is_of_bundle
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.account = sums.account and lines.order_id = sums.order_id
    where
        lines.line_class in ('product', 'membership', 'donation')
        -- a voucher bought; one that is redeemed is negative, and no sale
        or (lines.line_class = 'voucher' and lines.total >= 0)

),

-- the discount falls on tickets, products and memberships, and on no more than they cost
discountable as (

    select
        goods.*,
        case
            when goods.line_kind in ('ticket', 'product', 'membership') then greatest(goods.goods, 0)
            else 0
        end as weight,
        length(goods.line_id) as id_length,
        -sums.discount_total as order_discount,
        sums.tax as order_tax,
        sums.tax_on_top <> 0 or sums.has_tax_lines as is_tax_on_top
    from goods
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on goods.account = sums.account and goods.order_id = sums.order_id

),

capped as (

    select
        *,
        -- lines that make it a surcharge raise nobody's price
        greatest(least(order_discount, sum(weight) over (partition by account, order_id)), 0) as spread_discount
    from discountable

),

discounted as (

    {{ spread('capped', 'spread_discount', 'weight', 'account, order_id', 'id_length, line_id', 'discount_share') }}

),

priced as (

    select
        * exclude (discount_share),
        coalesce(discount_share, 0) as discount,
        goods - coalesce(discount_share, 0) as amount,
        case
            when line_kind in ('ticket', 'product', 'membership') then greatest(goods - coalesce(discount_share, 0), 0)
            else 0
        end as tax_weight
    from discounted

),

taxed as (

    {{ spread('priced', 'order_tax', 'tax_weight', 'account, order_id', 'id_length, line_id', 'tax_share') }}

)

select
    account,
    order_id,
    line_id,
    line_kind,
    ticket_id,
    item_id,
    description,
    quantity,
    unit_value,
    goods,
    discount,
    amount,
    fee,
    case
        when line_kind in ('ticket', 'product', 'membership') then coalesce(tax_share, case order_tax when 0 then 0 end)
    end as tax,
    is_tax_on_top,
    is_of_bundle
from taxed
