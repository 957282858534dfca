-- One row per product that can be sold: merchandise, donation, gift card, membership.
with products as (
    select * from {{ of_both('products') }}
),

only_sold as (
    select
        sales.platform,
        sales.account,
        sales.product_id,
        min(sales.first_seen_at) as first_seen_at
    from {{ of_both('product_sales') }} as sales
    anti join products
        on
            sales.platform = products.platform
            and sales.account = products.account
            and sales.product_id = products.product_id
    where sales.product_id is not null
    group by sales.platform, sales.account, sales.product_id
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
    first_seen_at
from all_products
