-- Grain: one row per record that repeats another one, and one per item without an Id that its invoice lists and
-- another message holds as well.

with loaded as (
    select
        record_id,
        account,
        webhook,
        content_hash,
        received_at,
        file,
        position
    from {{ ref('stg_ticketor__records') }}
    where outcome = 'loaded' and content_hash is not null
),

delivered_twice as (
    select
        account,
        webhook,
        content_hash
    from loaded
    group by account, webhook, content_hash
    having count(*) > 1
),

-- the first one counts, with its time: a retry, or a file copied back, is no newer version
deliveries as (
    select
        loaded.record_id,
        row_number() over (
            partition by loaded.account, loaded.webhook, loaded.content_hash
            order by loaded.received_at, loaded.file, loaded.position, loaded.record_id
        ) as delivery
    from loaded
    semi join delivered_twice
        on
            loaded.account = delivered_twice.account
            and loaded.webhook = delivered_twice.webhook
            and loaded.content_hash = delivered_twice.content_hash
),

without_id as (
    {% for item, id in [('tickets', 'ticket_id'), ('product_sales', 'product_sale_id'), ('payments', 'payment_id')] %}
        select
            '{{ item }}' as item,
            account,
            invoice_id,
            record_id,
            {{ id }} as given_id,
            likeness,
            coalesce(parent_invoice_id = invoice_id, false) as is_listed
        from {{ ref('stg_ticketor__' ~ item) }}
        where likeness is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

listed as (
    select
        item,
        account,
        invoice_id,
        likeness,
        min(given_id) as item_id
    from without_id
    where is_listed
    group by item, account, invoice_id, likeness
)

select
    record_id,
    cast(null as varchar) as given_id,
    cast(null as varchar) as item_id
from deliveries
where delivery > 1
union
select
    without_id.record_id,
    without_id.given_id,
    listed.item_id
from without_id
inner join listed
    on
        without_id.item = listed.item
        and without_id.account = listed.account
        and without_id.invoice_id = listed.invoice_id
        and without_id.likeness = listed.likeness
where not without_id.is_listed
