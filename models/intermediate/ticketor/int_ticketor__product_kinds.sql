-- Grain: one row per ProductId. A donation and a gift card look like any product: a seed that people edit
-- distinguishes them.
with products as (
    select distinct
        account,
        product_id
    from {{ ref('stg_ticketor__product_sales') }}
    where product_id is not null
),

-- where two lines of the seed fit, the more exact one
named as (
    select
        products.account,
        products.product_id,
        kinds.kind
    from products
    inner join {{ ref('product_kinds') }} as kinds
        on
            kinds.platform = 'ticketor'
            and products.account like kinds.account_pattern
            and products.product_id = cast(kinds.product_id as varchar)
    qualify
        row_number() over (
            partition by products.account, products.product_id
            order by length(kinds.account_pattern) desc, kinds.account_pattern desc, kinds.kind desc
        ) = 1
)

select
    products.account,
    products.product_id,
    coalesce(named.kind, 'merchandise') as kind
from products
left join named
    on products.account = named.account and products.product_id = named.product_id
