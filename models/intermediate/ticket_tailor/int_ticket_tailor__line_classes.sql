-- Grain: one row per line of the newest version of each order.
{{ config(schema='last_build') }}

with ids_of_several as (

    select
        account,
        line_item_id
    from {{ ref('stg_ticket_tailor__order_line_items') }}
    where line_item_id is not null
    group by account, line_item_id
    having min(order_id) <> max(order_id)

),

lines as (

    select
        heads.account,
        heads.order_id,
        lines.line_no,
        lines.line_item_id,
        lines.item_id,
        -- add_on, add-on, Add on
        regexp_replace(lines.line_type, '[^a-z]+', '_', 'g') as line_type,
        lines.description,
        lines.quantity,
        lines.unit_value,
        cast(
            try_cast(cast(lines.unit_value as hugeint) * lines.quantity as decimal(14, 0)) as bigint
        ) as goods_as_given,
        lines.total as total_as_given,
        coalesce(lines.booking_fee, 0) as booking_fee,
        coalesce(
            cast(try_cast(cast(lines.booking_fee as hugeint) * lines.quantity as decimal(14, 0)) as bigint), 0
        ) as fee_of_all,
        lower(regexp_extract(lines.item_id, '^([A-Za-z]+)_', 1)) as prefix
    from {{ touched('int_ticket_tailor__order_heads') }} as heads
    inner join {{ touched('stg_ticket_tailor__order_line_items') }} as lines on heads.version_id = lines.version_id

),

vouchers as (

    select
        account,
        voucher_id,
        arg_max(voucher_type, row(fetched_at, version_id)) as voucher_type
    from {{ ref('stg_ticket_tailor__vouchers') }}
    group by account, voucher_id

),

-- listed or not
named as (

    select distinct
        lines.account,
        lines.item_id,
        coalesce(vouchers.voucher_type, '') as voucher_type
    from lines
    left join vouchers on lines.account = vouchers.account and lines.item_id = vouchers.voucher_id
    where lines.prefix = 'vo'

),

-- where several rows of the seed fit, the most exact one
voucher_kinds as (

    select
        named.account,
        named.item_id,
        kinds.kind
    from named
    inner join {{ ref('voucher_kinds') }} as kinds
        on
            named.account like kinds.account_pattern
            and named.voucher_type like upper(kinds.voucher_type)
            and named.item_id = coalesce(kinds.voucher_id, named.item_id)
    qualify
        row_number() over (
            partition by named.account, named.item_id
            order by
                kinds.voucher_id is not null desc,
                kinds.voucher_type <> '%' desc,
                length(kinds.account_pattern) desc,
                kinds.account_pattern desc,
                kinds.voucher_type desc
        ) = 1

),

of_kinds as (

    select
        lines.*,
        voucher_kinds.kind as voucher_kind
    from lines
    left join voucher_kinds on lines.account = voucher_kinds.account and lines.item_id = voucher_kinds.item_id

),

classed as (

    select
        *,
        coalesce(total_as_given, goods_as_given, 0) as total,
        case
            -- a void line's item is the ticket type it reverses, so its type decides
            when line_type = 'void' then 'void'
            when prefix = 'tt' then 'ticket'
            when prefix = 'bu' then 'bundle'
            when prefix in ('pr', 'ao') then 'product'
            when prefix in ('mt', 'im') then 'membership'
            -- a voucher that only lowers the price is a discount by another name
            when prefix = 'vo' and voucher_kind = 'discount' and coalesce(total_as_given, goods_as_given, 0) < 0
                then 'discount'
            when prefix = 'vo' then 'voucher'
            when prefix = 'di' then 'discount'
            -- one that adds nothing to the total is a discount
            when line_type in ('gift_card', 'voucher', 'gift_voucher')
                then case when coalesce(total_as_given, goods_as_given, 0) > 0 then 'voucher' else 'discount' end
            when line_type in ('add_on', 'addon', 'merchandise') then 'product'
            when
                line_type in ('ticket', 'bundle', 'product', 'donation', 'tax', 'membership', 'discount')
                then line_type
            when line_type in ('transaction_charge', 'fee', 'booking_fee', 'transaction_fee', 'service_charge')
                then 'buyer_fee'
            else 'other'
        end as line_class
    from of_kinds

),

fees as (

    select
        *,
        line_class in ('ticket', 'bundle', 'product', 'membership', 'donation') and booking_fee <> 0 as has_fee,
        total - goods_as_given in (booking_fee, fee_of_all) as is_fee_inside
    from classed

)

select
    fees.account,
    fees.order_id,
    -- several lines, of one order or of two, may have the same id, or none: then the id is made unique in the account
    case
        when fees.line_item_id is null then fees.order_id || ':line:' || fees.line_no
        when ids_of_several.line_item_id is not null
            then fees.order_id || ':' || fees.line_item_id || ':' || fees.line_no
        when count(*) over (partition by fees.account, fees.order_id, fees.line_item_id) > 1
            then fees.line_item_id || ':' || fees.line_no
        else fees.line_item_id
    end as line_id,
    fees.line_no,
    fees.line_class,
    fees.item_id,
    fees.description,
    fees.quantity,
    fees.unit_value,
    fees.total,
    case when fees.has_fee and fees.is_fee_inside then fees.goods_as_given else fees.total end as goods,
    case when fees.has_fee and fees.is_fee_inside then fees.total - fees.goods_as_given else 0 end as fee_inside,
    -- candidates for a fee on top of the lines: once per line, or once per piece
    case when fees.has_fee and fees.total = fees.goods_as_given then fees.booking_fee else 0 end as fee_per_line,
    case when fees.has_fee and fees.total = fees.goods_as_given then fees.fee_of_all else 0 end as fee_per_piece
from fees
left join ids_of_several
    on fees.account = ids_of_several.account and fees.line_item_id = ids_of_several.line_item_id
