-- One row per product that can be sold: merchandise, donation, gift card, membership.
with products as (
    select * from {{ ref('int_products') }}
),

only_sold as (
    select
        platform,
        account,
        product_id,
        min(first_seen_at) as first_seen_at,
    from {{ ref('int_product_sales') }}
    anti join products using (platform, account, product_id)
    where product_id is not null
    group by all
),

all_products as (
    select * from products
    union all by name
    select * from only_sold
)

select
    {{ key(['platform', 'account', 'product_id']) }} as product_key,
    platform,
    account,
    product_id,
    product_name,
    list_price,
    currency,
    status,
    first_seen_at,
from all_products
