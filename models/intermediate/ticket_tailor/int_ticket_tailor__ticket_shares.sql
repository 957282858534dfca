{{ config(materialized='view') }}

with lines as (

    select
        lines.account,
        lines.order_id,
        lines.line_id,
        lines.line_no,
        case
            when lines.line_class = 'ticket' and starts_with(lower(lines.item_id), 'tt_') then lines.item_id
        end as ticket_type_id,
        coalesce(lines.quantity, 1) as quantity,
        lines.goods,
        lines.fee_inside + case sums.fee_on_top
            when 'per line' then lines.fee_per_line
            when 'per piece' then lines.fee_per_piece
            else 0
        end as fee
    from {{ ref('int_ticket_tailor__line_classes') }} as lines
    inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
        on lines.account = sums.account and lines.order_id = sums.order_id
    where lines.line_class in ('ticket', 'bundle')

),

-- a pool is what one set of tickets shares: the lines of one ticket type, or all lines that name none (bundles)
pools as (

    select
        account,
        order_id,
        coalesce(ticket_type_id, 'bundle') as pool,
        cast(sum(goods) as bigint) as goods,
        cast(sum(fee) as bigint) as fee,
        cast(sum(quantity) as bigint) as quantity
    from lines
    group by account, order_id, coalesce(ticket_type_id, 'bundle')

),

bundled as (

    select
        account,
        order_id
    from pools
    where pool = 'bundle'

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
    -- what another ticket stands in the place of has no part in what its order costs now
    where order_id is not null and not coalesce(is_replaced, false)

),

-- a ticket type bought by itself and in a bundle: the first tickets are those of its own line, the rest the bundle's
placed as (

    select
        tickets.account,
        tickets.order_id,
        tickets.ticket_id,
        tickets.listed_price,
        tickets.place_in_type,
        case
            when bundled.order_id is null then tickets.tickets_of_type
            else least(tickets.tickets_of_type, types.quantity)
        end as tickets_of_pool,
        case
            when types.pool is not null and (bundled.order_id is null or tickets.place_in_type <= types.quantity)
                then types.pool
            when bundled.order_id is not null then 'bundle'
        end as pool,
        types.goods,
        types.fee
    from tickets
    left join pools as types
        on
            tickets.account = types.account
            and tickets.order_id = types.order_id
            and tickets.ticket_type_id = types.pool
    left join bundled on tickets.account = bundled.account and tickets.order_id = bundled.order_id

),

-- evenly, what does not divide to the first: no weights, so no window over all of them
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

shares as (

    select
        account,
        order_id,
        ticket_id,
        goods,
        fee,
        false as is_of_bundle
    from even

    union all

    select
        account,
        order_id,
        ticket_id,
        goods,
        fee,
        true as is_of_bundle
    from weighed_shares

),

pools_without_tickets as (

    select
        pools.account,
        pools.order_id,
        pools.pool
    from pools
    anti join placed
        on pools.account = placed.account and pools.order_id = placed.order_id and pools.pool = placed.pool

)

select
    account,
    order_id,
    ticket_id as line_id,
    ticket_id,
    goods,
    fee,
    is_of_bundle
from shares

union all

-- a line whose tickets we do not know is a line of its own
select
    lines.account,
    lines.order_id,
    lines.line_id,
    null as ticket_id,
    lines.goods,
    lines.fee,
    false as is_of_bundle
from lines
inner join pools_without_tickets as alone
    on lines.account = alone.account
        and lines.order_id = alone.order_id
        and coalesce(lines.ticket_type_id, 'bundle') = alone.pool

union all

-- an order without lines that costs nothing: its tickets cost nothing either
select
    tickets.account,
    tickets.order_id,
    tickets.ticket_id as line_id,
    tickets.ticket_id,
    0 as goods,
    0 as fee,
    false as is_of_bundle
from tickets
inner join {{ ref('int_ticket_tailor__order_sums') }} as sums
    on tickets.account = sums.account and tickets.order_id = sums.order_id
where sums.lines_count = 0 and sums.total_charged = 0
