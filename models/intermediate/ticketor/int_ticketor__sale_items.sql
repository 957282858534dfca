-- Grain: one row per thing sold, ticket or product, with what it is charged before the invoice's discount. A ticket
-- tells that twice, by BuyPrice and ServiceCharge and by SellPrice: int_ticketor__invoice_terms chooses.
{{ config(materialized='view') }}

select
    account,
    invoice_id,
    'ticket:' || ticket_id as line_id,
    'ticket' as line_kind,
    ticket_id,
    cast(null as varchar) as product_sale_id,
    event_id,
    coalesce(buy_price, sell_price - coalesce(service_charge, 0), 0) as goods,
    coalesce(service_charge, 0) as fee,
    coalesce(greatest(sell_price - coalesce(service_charge, 0), least(sell_price, 0)), buy_price, 0) as goods_sold,
    coalesce(least(coalesce(service_charge, 0), greatest(sell_price, 0)), service_charge, 0) as fee_sold,
    cast(0 as decimal(18, 4)) as delivery_fee,
    cast(null as decimal(18, 4)) as tax
from {{ touched('int_ticketor__sold_tickets') }}
union all
select
    account,
    invoice_id,
    'product:' || product_sale_id as line_id,
    case kind when 'merchandise' then 'product' else kind end as line_kind,
    cast(null as varchar) as ticket_id,
    product_sale_id,
    cast(null as varchar) as event_id,
    line_amount as goods,
    cast(0 as decimal(18, 4)) as fee,
    line_amount as goods_sold,
    cast(0 as decimal(18, 4)) as fee_sold,
    coalesce(delivery_fee, 0) as delivery_fee,
    tax
from {{ ref('int_ticketor__sold_products') }}
