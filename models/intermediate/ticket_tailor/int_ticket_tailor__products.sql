-- Grain: one row per product, in the unified shape.
with listed as (

    select
        *,
        row_number() over newest_first as version_rank,
        min(fetched_at) over (partition by account, product_id) as first_seen_at
    from {{ ref('stg_ticket_tailor__products') }}
    window newest_first as (partition by account, product_id order by fetched_at desc, version_id desc)

),

newest as (

    select *
    from listed
    where version_rank = 1

),

-- memberships and products that are listed no more: the lines that sold them name them
sold as (

    select
        shares.account,
        shares.item_id as product_id,
        arg_max(shares.description, row(heads.created_at, heads.order_id, shares.line_id)) as product_name,
        arg_max(heads.currency, row(heads.created_at, heads.order_id, shares.line_id)) as currency,
        min(heads.first_seen_at) as first_seen_at
    from {{ ref('int_ticket_tailor__sale_shares') }} as shares
    inner join {{ ref('int_ticket_tailor__order_heads') }} as heads
        on shares.account = heads.account and shares.order_id = heads.order_id
    where shares.line_kind <> 'ticket' and shares.item_id is not null
    group by shares.account, shares.item_id

),

products as (

    select
        coalesce(listed.account, sold.account) as account,
        coalesce(listed.product_id, sold.product_id) as product_id,
        coalesce(listed.product_name, sold.product_name) as product_name,
        listed.price,
        listed.iso_multiplier,
        coalesce(listed.currency, sold.currency) as currency,
        listed.status,
        least(listed.first_seen_at, sold.first_seen_at) as first_seen_at
    from newest as listed
    full outer join sold on listed.account = sold.account and listed.product_id = sold.product_id

),

currencies as (

    {{ tt_currencies(ref('int_ticket_tailor__order_heads')) }}

)

select
    'ticket_tailor' as platform,
    products.account,
    products.product_id,
    products.product_name,
    {{ from_minor_units(
        'products.price', 'coalesce(currencies.base_multiplier, products.iso_multiplier)'
    ) }} as list_price,
    products.currency,
    products.status,
    products.first_seen_at
from products
left join currencies
    on products.account = currencies.account and products.currency = currencies.currency
