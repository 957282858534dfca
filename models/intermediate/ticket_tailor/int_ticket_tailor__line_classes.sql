with lines as (

    select
        heads.box_office,
        heads.order_id,
        lines.line_no,
        lines.line_item_id,
        lines.item_id,
        lines.line_type,
        lines.description,
        lines.quantity,
        lines.unit_value,
        cast(
            try_cast(cast(lines.unit_value as hugeint) * lines.quantity as decimal(15, 0)) as bigint
        ) as goods_as_given,
        lines.total as total_as_given,
        coalesce(lines.booking_fee, 0) as booking_fee,
        coalesce(
            cast(try_cast(cast(lines.booking_fee as hugeint) * lines.quantity as decimal(15, 0)) as bigint), 0
        ) as fee_of_all,
        lower(regexp_extract(lines.item_id, '^([A-Za-z]+)_', 1)) as prefix
    from {{ touched('int_ticket_tailor__order_heads') }} as heads
    inner join {{ touched('stg_ticket_tailor__order_line_items') }} as lines on heads.version_id = lines.version_id

),

classed as (

    select
        *,
        coalesce(total_as_given, goods_as_given, 0) as total,
        case
            -- a void names the ticket type it takes back: here the type says more than the item
            when line_type = 'void' then 'void'
            when prefix = 'tt' then 'ticket'
            when prefix = 'bu' then 'bundle'
            when prefix = 'pr' then 'product'
            when prefix in ('mt', 'im') then 'membership'
            when prefix = 'vo' then 'voucher'
            when prefix = 'di' then 'discount'
            when line_type in ('ticket', 'bundle', 'product', 'donation', 'tax', 'membership') then line_type
            when line_type = 'transaction_charge' then 'buyer_fee'
            -- a voucher bought; what is taken off the order is negative
            when line_type = 'gift_card' and coalesce(total_as_given, goods_as_given, 0) > 0 then 'voucher'
            when line_type = 'gift_card' then 'discount'
            else 'other'
        end as line_class
    from lines

),

fees as (

    select
        *,
        line_class in ('ticket', 'bundle', 'product', 'membership', 'donation') and booking_fee <> 0 as has_fee,
        total - goods_as_given in (booking_fee, fee_of_all) as is_fee_inside
    from classed

)

select
    box_office,
    order_id,
    -- two lines may carry one id, or none: one that is made up is the box office's only one, as theirs are
    case
        when line_item_id is null then order_id || ':line:' || line_no
        when count(*) over (partition by box_office, order_id, line_item_id) > 1 then line_item_id || ':' || line_no
        else line_item_id
    end as line_id,
    line_no,
    line_class,
    item_id,
    description,
    quantity,
    unit_value,
    total,
    case when has_fee and is_fee_inside then goods_as_given else total end as goods,
    case when has_fee and is_fee_inside then total - goods_as_given else 0 end as fee_inside,
    -- candidates for a fee on top of the lines: once per line, or once per piece
    case when has_fee and total = goods_as_given then booking_fee else 0 end as fee_per_line,
    case when has_fee and total = goods_as_given then fee_of_all else 0 end as fee_per_piece
from fees
