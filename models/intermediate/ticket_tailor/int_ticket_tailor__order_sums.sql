-- Grain: one row per order.
{{ config(schema='last_build') }}

with sums as (

    select
        account,
        order_id,
        sum(total) filter (where line_class <> 'void') as lines_total,
        sum(total) filter (where line_class = 'void') as void_total,
        sum(total) filter (where line_class = 'tax') as tax_lines_total,
        sum(total) filter (where line_class = 'discount') as discount_total,
        sum(total) filter (where line_class = 'buyer_fee') as charges_total,
        sum(fee_inside) as fee_inside,
        sum(fee_per_line) as fee_per_line,
        sum(fee_per_piece) as fee_per_piece,
        count(*) filter (where line_class = 'tax') as tax_lines,
        -sum(total) filter (where line_class = 'voucher' and total < 0) as credit_redeemed,
        count(*) as lines_count
    from {{ ref('int_ticket_tailor__line_classes') }}
    group by account, order_id

),

orders as (

    select
        heads.account,
        heads.order_id,
        heads.total,
        heads.tax_treatment,
        coalesce(heads.tax, cast(sums.tax_lines_total as bigint)) as tax,
        cast(coalesce(sums.lines_total, 0) as bigint) as lines_total,
        cast(coalesce(sums.void_total, 0) as bigint) as void_total,
        cast(coalesce(sums.tax_lines_total, 0) as bigint) as tax_lines_total,
        cast(coalesce(sums.discount_total, 0) as bigint) as discount_total,
        cast(coalesce(sums.charges_total, 0) as bigint) as charges_total,
        cast(coalesce(sums.fee_inside, 0) as bigint) as fee_inside,
        cast(coalesce(sums.fee_per_line, 0) as bigint) as fee_per_line,
        cast(coalesce(sums.fee_per_piece, 0) as bigint) as fee_per_piece,
        coalesce(sums.tax_lines, 0) as tax_lines,
        cast(coalesce(sums.credit_redeemed, 0) as bigint) as credit_redeemed,
        coalesce(sums.lines_count, 0) as lines_count
    from {{ touched('int_ticket_tailor__order_heads') }} as heads
    left join sums on heads.account = sums.account and heads.order_id = sums.order_id

),

-- what the total holds beyond the lines, if voids lowered it and if they did not
residuals as (

    select
        *,
        total - lines_total - void_total as rest_after_voids,
        total - lines_total as rest,
        case when tax_treatment = 'exclusive' and tax_lines = 0 then coalesce(tax, 0) else 0 end as tax_to_find,
        case when tax_treatment = 'inclusive' then tax_lines_total else 0 end as tax_to_drop
    from orders

),

-- the first reading under which the platform's own numbers add up
read as (

    select
        *,
        case
            when void_total <> 0 and rest_after_voids = 0 then 'voids'
            when rest = 0 then 'lines'
            when void_total <> 0 and {{ tt_rest_is_known('rest_after_voids') }} then 'voids'
            when {{ tt_rest_is_known('rest') }} then 'lines'
            when rest = -tax_to_drop then 'tax lines inside'
        end as reading
    from residuals

),

found as (

    select
        *,
        case reading when 'voids' then rest_after_voids when 'lines' then rest end as rest_found
    from read

)

select
    account,
    order_id,
    -- a voucher that pays has lowered the total, and is a payment of it
    total + credit_redeemed + case when reading = 'voids' then -void_total else 0 end as total_charged,
    credit_redeemed,
    lines_total,
    void_total,
    discount_total,
    tax,
    lines_count,
    coalesce(reading = 'tax lines inside', false) as is_tax_inside_lines,
    case
        when rest_found = 0 or rest_found is null then 0
        when rest_found in (tax_to_find, tax_to_find + fee_per_line, tax_to_find + fee_per_piece) then tax_to_find
        else 0
    end as tax_on_top,
    case
        when rest_found = 0 or rest_found is null then 'no'
        when rest_found = tax_to_find then 'no'
        when rest_found in (tax_to_find + fee_per_line, fee_per_line) then 'per line'
        else 'per piece'
    end as fee_on_top,
    tax_lines > 0 and not coalesce(reading = 'tax lines inside', false) as has_tax_lines,
    charges_total + fee_inside + case
        when rest_found = 0 or rest_found is null or rest_found = tax_to_find then 0
        when rest_found in (tax_to_find + fee_per_line, fee_per_line) then fee_per_line
        else fee_per_piece
    end as fees_total
from found
