-- Every id that a document has is one row of the unified shape, and only those are: nothing lost, nothing doubled,
-- nothing made up. And its amount is one that some version of it has: which version wins is decided elsewhere.
-- A row here is an id on which staging and intermediate differ.
with ticketor_returns as (
    select
        account,
        order_id as invoice_id
    from {{ touched('int_orders') }}
    where platform = 'ticketor' and {{ is_return('order_type') }}
),

-- what a return lists as its own is no sale; what it lists of another invoice is one, even if nothing else tells of it
ticketor_items as (
    select
        account,
        invoice_id,
        parent_invoice_id,
        'ticket' as item,
        coalesce(invoice_id, '') || ' ' || ticket_id as id,
        sell_price as amount
    from {{ told('stg_ticketor__tickets') }}
    where ticket_id is not null
    union all
    select
        account,
        invoice_id,
        parent_invoice_id,
        'product sale' as item,
        product_sale_id as id,
        unit_price as amount
    from {{ told('stg_ticketor__product_sales') }}
    where product_sale_id is not null
),

staged_rows as (
    select
        'ticketor' as platform,
        account,
        'order' as item,
        invoice_id as id,
        total as amount
    from {{ told('stg_ticketor__invoices') }}
    where invoice_id is not null
    union all
    select
        'ticketor' as platform,
        account,
        'payment' as item,
        payment_id as id,
        amount
    from {{ told('stg_ticketor__payments') }}
    where payment_id is not null
    union all
    select
        'ticketor' as platform,
        items.account,
        items.item,
        items.id,
        items.amount
    from ticketor_items as items
    anti join ticketor_returns as own on items.account = own.account and items.invoice_id = own.invoice_id
    union all
    select
        'ticket_tailor' as platform,
        box_office as account,
        'order' as item,
        order_id as id,
        cast(total * cast(1 as decimal(18, 4)) / base_multiplier as decimal(18, 4)) as amount
    from {{ touched('stg_ticket_tailor__orders') }}
    union all
    select
        'ticket_tailor' as platform,
        box_office as account,
        'ticket' as item,
        ticket_id as id,
        null as amount
    from {{ touched('stg_ticket_tailor__issued_tickets') }}
    union all
    select
        'ticket_tailor' as platform,
        box_office as account,
        'ticket' as item,
        ticket_id as id,
        null as amount
    from {{ touched('stg_ticket_tailor__order_tickets') }}
),

staged as (
    select
        platform,
        account,
        item,
        id,
        list(distinct amount) as amounts
    from staged_rows
    group by all
),

held as (
    select
        platform,
        account,
        'order' as item,
        order_id as id,
        total_as_given as amount
    from {{ touched('int_orders') }}
    union all
    -- of these the order and its history make more than the platform has ids for
    select
        platform,
        account,
        'payment' as item,
        payment_id as id,
        amount_as_given as amount
    from {{ touched('int_payments') }}
    where platform = 'ticketor' and payment_id not like '%:credit'
    union all
    select
        platform,
        account,
        'ticket' as item,
        case platform when 'ticketor' then coalesce(order_id, '') || ' ' || ticket_id else ticket_id end as id,
        case platform when 'ticketor' then price_paid end as amount
    from {{ touched('int_tickets') }}
    union all
    select
        platform,
        account,
        'product sale' as item,
        product_sale_id as id,
        unit_price as amount
    from {{ touched('int_product_sales') }}
    where platform = 'ticketor'
),

held_ids as (
    select
        platform,
        account,
        item,
        id,
        count(*) as how_many,
        max(amount) as amount
    from held
    group by all
)

select
    coalesce(staged.platform, held_ids.platform) as platform,
    coalesce(staged.account, held_ids.account) as account,
    coalesce(staged.item, held_ids.item) as item,
    coalesce(staged.id, held_ids.id) as id,
    staged.amounts as in_staging,
    held_ids.amount as in_intermediate,
    held_ids.how_many
from staged
full outer join held_ids
    on
        staged.platform = held_ids.platform
        and staged.account = held_ids.account
        and staged.item = held_ids.item
        and staged.id = held_ids.id
where
    staged.id is null
    or held_ids.id is null
    or held_ids.how_many > 1
    or (held_ids.amount is not null and not list_contains(staged.amounts, held_ids.amount))
