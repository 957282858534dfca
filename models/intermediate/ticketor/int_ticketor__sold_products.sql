-- Grain: one row per product sale, by its Id alone (the same Id under two invoices is one sale told twice), as its newest version
-- tells it. What a return lists is no sale: see int_ticketor__returned_items.
with told as (
    select products.*
    from {{ ref('stg_ticketor__product_sales') }} as products
    left join {{ ref('int_ticketor__invoices') }} as own
        on products.account = own.account and products.invoice_id = own.invoice_id
    left join {{ ref('int_ticketor__invoices') }} as parent
        on products.account = parent.account and products.parent_invoice_id = parent.invoice_id
    where products.product_sale_id is not null
        and not coalesce(own.is_return, false)
        and not coalesce(parent.is_return, false)
),

versions as (
    select
        *,
        row_number() over (
            partition by account, product_sale_id
            order by received_at desc, file desc, position desc, item_position desc, record_id desc
        ) as recency
    from told
),

lives as (
    select
        account,
        product_sale_id,
        min(received_at) as first_seen_at,
        max(abs(returned_quantity)) as returned_quantity,
        count(distinct invoice_id) as invoices_seen,
        string_agg(distinct invoice_id, ', ' order by invoice_id) as invoice_ids
    from told
    group by account, product_sale_id
),

-- donations and gift cards look like any product: a seed that people edit tells them apart, its longest pattern first
kinds as (
    select
        versions.account,
        versions.product_id,
        arg_max(product_kinds.kind, (length(product_kinds.account_pattern), product_kinds.account_pattern, product_kinds.kind)) as kind
    from (select distinct account, product_id from versions) as versions
    inner join {{ ref('product_kinds') }} as product_kinds
        on product_kinds.platform = 'ticketor'
            and versions.account like product_kinds.account_pattern
            and versions.product_id = cast(product_kinds.product_id as varchar)
    group by versions.account, versions.product_id
)

select
    versions.account,
    versions.product_sale_id,
    versions.invoice_id,
    versions.product_id,
    coalesce(kinds.kind, 'merchandise') as kind,
    versions.quantity,
    versions.unit_price,
    versions.discount,
    versions.tax,
    versions.delivery_fee,
    {{ money('coalesce(versions.quantity, 0) * coalesce(versions.unit_price, 0) - coalesce(versions.discount, 0)') }}
        as line_amount,
    versions.buyer_id,
    lives.returned_quantity,
    lives.invoices_seen,
    lives.invoice_ids,
    lives.first_seen_at
from versions
inner join lives
    on versions.account = lives.account and versions.product_sale_id = lives.product_sale_id
left join kinds
    on versions.account = kinds.account and versions.product_id = kinds.product_id
where versions.recency = 1
