-- One row per sold line of merchandise, donation, gift card or membership.
{{ config(materialized='touched') }}

select
    {{ key(['sales.platform', 'sales.account', 'sales.product_sale_id']) }} as product_sale_key,
    sales.platform,
    sales.account,
    sales.product_sale_id,
    {{ key(['sales.platform', 'sales.account', 'sales.order_id']) }} as order_key,
    sales.order_id,
    {{ key(['sales.platform', 'sales.account', 'sales.product_id']) }} as product_key,
    sales.product_id,
    {{ key(['sales.platform', 'sales.account', 'sales.event_id']) }} as event_key,
    sales.event_id,
    customers.customer_key,
    customers.person_key,
    sales.kind,
    sales.quantity,
    sales.returned_quantity,
    sales.unit_price,
    sales.discount_amount,
    sales.tax_amount,
    sales.delivery_fee,
    sales.line_amount,
    sales.currency,
    sales.sold_at,
    {{ account_day('sales.sold_at', 'zones') }} as sold_on,
    sales.first_seen_at
from {{ touched_of_both('product_sales') }} as sales
left join {{ ref('int_reporting_zones') }} as zones
    on sales.platform = zones.platform and sales.account = zones.account
left join {{ ref('dim_customers') }} as customers
    on
        sales.platform = customers.platform
        and sales.account = customers.account
        and sales.customer_id = customers.customer_id
