-- Grain: one row per thing sold (ticket, product, membership, donation, voucher bought), and per line whose tickets
-- are not known, with its part of the order's prices, discount, fee and tax, in minor units.
{{ config(materialized='touched') }}

with lines as (

    select
        lines.account,
        lines.order_id,
        lines.line_id,
        case lines.line_class
            when 'bundle' then 'ticket'
            when 'voucher' then 'gift_card'
            else lines.line_class
        end as line_kind,
        -- a pool is what one set of tickets shares: the lines of one ticket type, or all lines that name none (bundles)
        case
            when lines.line_class = 'ticket' and starts_with(lower(lines.item_id), 'tt_') then lines.item_id
            when lines.line_class in ('ticket', 'bundle') then 'bundle'
        end as pool,
        lines.item_id,
        lines.description,
        lines.quantity,
        lines.unit_value,
        lines.goods,
        lines.fee_inside + case sums.fee_on_top
            when 'per line' then lines.fee_per_line
            when 'per piece' then lines.fee_per_piece
            else 0
        end as fee
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.account = sums.account and lines.order_id = sums.order_id
    where
        lines.line_class in ('ticket', 'bundle', 'product', 'membership', 'donation')
        -- a voucher bought; one that is redeemed is negative, and no sale
        or (lines.line_class = 'voucher' and lines.total >= 0)

),

pools as (

    select
        account,
        order_id,
        pool,
        cast(sum(goods) as bigint) as goods,
        cast(sum(fee) as bigint) as fee,
        cast(sum(coalesce(quantity, 1)) as bigint) as quantity
    from lines
    where pool is not null
    group by account, order_id, pool

),

tickets as (

    select
        account,
        order_id,
        ticket_id,
        ticket_type_id,
        greatest(coalesce(listed_price, 0), 0) as listed_price,
        row_number() over (
            partition by account, order_id, ticket_type_id
            order by length(ticket_id), ticket_id
        ) as place_in_type,
        count(*) over (partition by account, order_id, ticket_type_id) as tickets_of_type
    from {{ touched('int_ticket_tailor__ticket_heads') }}
    -- a replaced ticket has no part in what its order costs now
    where order_id is not null and not coalesce(is_replaced, false)

),

-- a ticket type bought by itself and in a bundle: its own line has the first tickets, the bundle the rest
placed as (

    select
        tickets.account,
        tickets.order_id,
        tickets.ticket_id,
        tickets.listed_price,
        tickets.place_in_type,
        case
            when bundles.order_id is null then tickets.tickets_of_type
            else least(tickets.tickets_of_type, types.quantity)
        end as tickets_of_pool,
        case
            when types.pool is not null and (bundles.order_id is null or tickets.place_in_type <= types.quantity)
                then types.pool
            when bundles.order_id is not null then 'bundle'
        end as pool,
        types.goods,
        types.fee
    from tickets
    left join pools as types
        on tickets.account = types.account
            and tickets.order_id = types.order_id
            and tickets.ticket_type_id = types.pool
    left join pools as bundles
        on tickets.account = bundles.account and tickets.order_id = bundles.order_id and bundles.pool = 'bundle'

),

-- in equal parts, the first tickets one unit more where it does not divide: without weights, so without a window
even as (

    select
        account,
        order_id,
        ticket_id,
        sign(goods) * (
            abs(goods) // tickets_of_pool + cast(place_in_type <= abs(goods) % tickets_of_pool as bigint)
        ) as goods,
        sign(fee) * (abs(fee) // tickets_of_pool + cast(place_in_type <= abs(fee) % tickets_of_pool as bigint)) as fee
    from placed
    where pool <> 'bundle'

),

-- a bundle's tickets by list price
weighed as (

    select
        placed.account,
        placed.order_id,
        placed.ticket_id,
        pools.goods as pool_goods,
        pools.fee as pool_fee,
        case
            when sum(placed.listed_price) over (partition by placed.account, placed.order_id) = 0 then 1
            else placed.listed_price
        end as weight,
        length(placed.ticket_id) as id_length
    from placed
    inner join pools
        on placed.account = pools.account and placed.order_id = pools.order_id and placed.pool = pools.pool
    where placed.pool = 'bundle'

),

weighed_goods as (

    {{ spread('weighed', 'pool_goods', 'weight', 'account, order_id', 'id_length, ticket_id', 'goods') }}

),

weighed_shares as (

    {{ spread('weighed_goods', 'pool_fee', 'weight', 'account, order_id', 'id_length, ticket_id', 'fee') }}

),

-- what was sold, before discount
sold as (

    select
        account,
        order_id,
        ticket_id as line_id,
        'ticket' as line_kind,
        ticket_id,
        goods,
        fee,
        false as is_of_bundle
    from even

    union all by name

    select
        account,
        order_id,
        ticket_id as line_id,
        'ticket' as line_kind,
        ticket_id,
        goods,
        fee,
        true as is_of_bundle
    from weighed_shares

    union all by name

    -- an order without lines that costs nothing: its tickets cost nothing either
    select
        tickets.account,
        tickets.order_id,
        tickets.ticket_id as line_id,
        'ticket' as line_kind,
        tickets.ticket_id,
        0 as goods,
        0 as fee,
        false as is_of_bundle
    from tickets
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on tickets.account = sums.account and tickets.order_id = sums.order_id
    where sums.lines_count = 0 and sums.total_charged = 0

    union all by name

    -- lines of other things, and of tickets that are not known
    select
        lines.*,
        false as is_of_bundle
    from lines
    anti join placed
        on lines.account = placed.account and lines.order_id = placed.order_id and lines.pool = placed.pool

),

-- the discount falls on tickets, products and memberships, and on no more than they cost
discountable as (

    select
        sold.*,
        case
            when sold.line_kind in ('ticket', 'product', 'membership') then greatest(sold.goods, 0)
            else 0
        end as weight,
        length(sold.line_id) as id_length,
        -sums.discount_total as order_discount,
        sums.tax as order_tax,
        sums.tax_on_top <> 0 or sums.has_tax_lines as is_tax_on_top
    from sold
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on sold.account = sums.account and sold.order_id = sums.order_id

),

capped as (

    select
        *,
        -- discount lines that add up to a surcharge raise no price
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
