-- Grain: one row per thing sold, ticket or product, with what it is charged before the invoice's discount.
select
    account,
    invoice_id,
    'ticket:' || ticket_id as line_id,
    'ticket' as line_kind,
    ticket_id,
    null as product_sale_id,
    cast(ticket_id as bigint) as item_order,
    event_id,
    coalesce(buy_price, sell_price - coalesce(service_charge, 0), 0) as goods,
    coalesce(service_charge, 0) as fee,
    cast(0 as decimal(18, 4)) as delivery_fee,
    cast(null as decimal(18, 4)) as tax
from {{ ref('int_ticketor__sold_tickets') }}
union all by name
select
    account,
    invoice_id,
    'product:' || product_sale_id as line_id,
    case kind when 'merchandise' then 'product' else kind end as line_kind,
    product_sale_id,
    cast(product_sale_id as bigint) as item_order,
    coalesce(line_amount, 0) as goods,
    cast(0 as decimal(18, 4)) as fee,
    coalesce(delivery_fee, 0) as delivery_fee,
    tax
from {{ ref('int_ticketor__sold_products') }}
