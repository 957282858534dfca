-- Grain: one row per product, membership, donation or voucher sold, in the unified shape.
{{ config(materialized='touched') }}

select
    'ticket_tailor' as platform,
    shares.account,
    shares.line_id as product_sale_id,
    shares.order_id,
    shares.item_id as product_id,
    heads.event_id,
    heads.customer_id,
    case
        when shares.line_kind <> 'product' then shares.line_kind
        when starts_with(lower(shares.item_id), 'ao_') then 'add_on'
        else 'merchandise'
    end as kind,
    cast(shares.quantity as decimal(18, 4)) as quantity,
    cast(null as decimal(18, 4)) as returned_quantity,
    {{ from_minor_units('shares.unit_value', 'heads.base_multiplier') }} as unit_price,
    {{ from_minor_units('shares.discount', 'heads.base_multiplier') }} as discount_amount,
    {{ from_minor_units('shares.tax', 'heads.base_multiplier') }} as tax_amount,
    cast(null as decimal(18, 4)) as delivery_fee,
    {{ from_minor_units('shares.amount', 'heads.base_multiplier') }} as line_amount,
    heads.currency,
    heads.created_at as sold_at,
    heads.first_seen_at
from {{ touched('int_ticket_tailor__sale_shares') }} as shares
inner join {{ touched('int_ticket_tailor__order_heads') }} as heads
    on shares.account = heads.account and shares.order_id = heads.order_id
where shares.line_kind <> 'ticket'
