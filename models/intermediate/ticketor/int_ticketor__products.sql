-- Grain: one row per ProductId, as the newest sale tells it.
with ways as (
    select
        account,
        product_id,
        product_name,
        unit_price,
        invoice_id,
        min(received_at) as first_told_at,
        max(received_at) as last_told_at
    from {{ ref('stg_ticketor__product_sales') }}
    where product_id is not null
    group by account, product_id, product_name, unit_price, invoice_id
),

newest as (
    select
        ways.account,
        ways.product_id,
        ways.product_name,
        ways.unit_price,
        invoices.currency,
        min(ways.first_told_at) over (partition by ways.account, ways.product_id) as first_seen_at
    from ways
    left join {{ ref('int_ticketor__invoices') }} as invoices
        on ways.account = invoices.account and ways.invoice_id = invoices.invoice_id
    qualify row_number() over (
        partition by ways.account, ways.product_id
        order by
            ways.last_told_at desc,
            cast(ways.invoice_id as bigint) desc,
            ways.product_name desc nulls last,
            ways.unit_price desc nulls last
    ) = 1
)

select
    'ticketor' as platform,
    account,
    product_id,
    product_name,
    unit_price as list_price,
    currency,
    cast(null as varchar) as status,
    first_seen_at
from newest
