-- Grain: one row per invoice that is to be built: each that a load not built yet names, and all that are linked
-- to it. '' is the key of what names no invoice. After the build, none.
{{ config(post_hook="{{ open_build('ticketor') }}") }}
{% set starts_over = not execute or must_start_over('ticketor') %}
{% set is_any_aside = is_any_set_aside('ticketor') %}
{% set is_new = '_dlt_load_id in ' ~ new_loads('ticketor') %}
{% set items = [('tickets', 'ticket_id'), ('product_sales', 'product_sale_id'), ('payments', 'payment_id')] %}
{% set mentions = [
    ('users', 'user_id', 'email'), ('invoices', 'buyer_id', 'buyer_email'), ('invoices', 'agent_id', 'agent_email'),
    ('tickets', 'buyer_id', 'buyer_email'), ('product_sales', 'buyer_id', 'buyer_email'),
    ('payments', 'buyer_id', 'buyer_email'),
] %}
-- depends_on: {{ ref('stg_boxoffice__accounts') }}, {{ ref('stg_ticketor__users') }}
with recursive
{% if is_any_aside or not starts_over %}
    -- an item under two invoices, an item on another invoice's list, a return and its sale: one decides on the other
    {% for model, id in items %}
        -- hashes are compared in half the time, and leave few items to look at
        shared_{{ model }} as (
            select hash(account, {{ id }}) as hashed
            from {{ ref('stg_ticketor__' ~ model) }}
            where {{ id }} is not null
            group by hash(account, {{ id }})
            having min(hash(invoice_id)) <> max(hash(invoice_id))
        ),

        several_{{ model }} as (
            select
                account,
                {{ id }},
                min(invoice_id) as lowest_invoice_id
            from {{ ref('stg_ticketor__' ~ model) }}
            where hash(account, {{ id }}) in (select shared_{{ model }}.hashed from shared_{{ model }})
            group by account, {{ id }}
            having min(invoice_id) <> max(invoice_id)
        ),
    {% endfor %}

    links as (
        {% for model, id in items %}
            select
                items.account,
                items.invoice_id,
                several.lowest_invoice_id as other_id
            from {{ ref('stg_ticketor__' ~ model) }} as items
            inner join several_{{ model }} as several
                on items.account = several.account and items.{{ id }} = several.{{ id }}
            union
            select
                account,
                invoice_id,
                parent_invoice_id as other_id
            from {{ ref('stg_ticketor__' ~ model) }}
            where invoice_id <> parent_invoice_id
            union
        {% endfor %}
        select
            account,
            invoice_id,
            related_invoice_id as other_id
        from {{ ref('stg_ticketor__invoices') }}
        where invoice_id <> related_invoice_id
    ),

    linked as (
        select * from links
        union
        select
            account,
            other_id as invoice_id,
            invoice_id as other_id
        from links
    ),
{% endif %}

{% if is_any_aside %}
    aside as (
        select
            account,
            order_id as invoice_id
        from {{ set_aside() }}
        where is_in_force and platform = 'ticketor'
        union
        select
            linked.account,
            linked.other_id as invoice_id
        from aside
        inner join linked on aside.account = linked.account and aside.invoice_id = linked.invoice_id
    ),
{% endif %}

{% if starts_over %}
    touched as (
        {% for model in ['invoices', 'tickets', 'product_sales', 'payments'] %}
            select
                account,
                coalesce(invoice_id, '') as invoice_id
            from {{ ref('stg_ticketor__' ~ model) }}
            union
        {% endfor %}
        -- of no invoices at all, everything is to be built as well
        select
            '' as account,
            '' as invoice_id
    )
{% else %}
    named_in_new_loads as (
        {% for model in ['invoices', 'tickets', 'product_sales', 'payments'] %}
            select
                account,
                coalesce(invoice_id, '') as invoice_id
            from {{ ref('stg_ticketor__' ~ model) }}
            where {{ is_new }}
            {{ 'union' if not loop.last }}
        {% endfor %}
        union
        -- whether they may come back is looked at in every build
        select
            account,
            order_id as invoice_id
        from {{ set_aside() }}
        where platform = 'ticketor'
    ),

    -- by itself: DuckDB expects more of them than there are, and would look for each invoice among all
    returns as materialized (
        select distinct
            account,
            invoice_id
        from (
            select
                account,
                invoice_id,
                related_invoice_id,
                coalesce(lower(invoice_type), 'sale') as order_type
            from {{ ref('stg_ticketor__invoices') }}
        )
        where {{ is_return('order_type', related='related_invoice_id') }}
    ),

    newest_receipts as (
        {{ newest_receipts() }}
    ),

    newest_before as (
        {{ newest_receipts('where not ' ~ is_new) }}
    ),

    -- what a return gives back is credit once its account's newest receipt is late enough
    now_credit as (
        select
            invoices.account,
            invoices.invoice_id
        from {{ ref('stg_ticketor__invoices') }} as invoices
        semi join returns on invoices.account = returns.account and invoices.invoice_id = returns.invoice_id
        inner join newest_receipts as newest on invoices.account = newest.account
        inner join newest_before as before on invoices.account = before.account
        where
            {{ credit_is_certain('invoices.received_at', 'newest.received_at') }}
            and not {{ credit_is_certain('invoices.received_at', 'before.received_at') }}
    ),

    together as (
        select * from named_in_new_loads
        union
        select * from now_credit
        union
        select
            linked.account,
            linked.other_id as invoice_id
        from together
        inner join linked on together.account = linked.account and together.invoice_id = linked.invoice_id
    ),

    -- the list price of a ticket given away is the highest of its event and price level
    prices as (
        select distinct
            tickets.account,
            tickets.event_id,
            coalesce(tickets.price_level, '') as price_level
        from {{ ref('stg_ticketor__tickets') }} as tickets
        semi join together
            on tickets.account = together.account and coalesce(tickets.invoice_id, '') = together.invoice_id
    ),

    given_away as (
        select distinct
            tickets.account,
            coalesce(tickets.invoice_id, '') as invoice_id
        from {{ ref('stg_ticketor__tickets') }} as tickets
        semi join prices
            on
                tickets.account = prices.account
                and tickets.event_id = prices.event_id
                and coalesce(tickets.price_level, '') = prices.price_level
        where coalesce(tickets.buy_price, 0) <= 0
    ),

    -- who has another e-mail address now is another person_key, on all that they ever bought
    people_in_new_loads as (
        {{ people_in_new_loads() }}
    ),

    mentions as (
        {% for model, id, email in mentions %}
            select
                named.account,
                named.{{ id }} as customer_id,
                {{ normalised_email('named.' ~ email) }} as email
            from {{ ref('stg_ticketor__' ~ model) }} as named
            semi join people_in_new_loads as people
                on named.account = people.account and named.{{ id }} = people.customer_id
            {{ 'union all' if not loop.last }}
        {% endfor %}
    ),

    renamed as (
        select
            account,
            customer_id
        from mentions
        group by account, customer_id
        having min(coalesce(email, '')) <> max(coalesce(email, ''))
    ),

    bought as (
        {% for model in ['invoices', 'tickets', 'product_sales', 'payments'] %}
            select
                sales.account,
                coalesce(sales.invoice_id, '') as invoice_id
            from {{ ref('stg_ticketor__' ~ model) }} as sales
            semi join renamed on sales.account = renamed.account and sales.buyer_id = renamed.customer_id
            {{ 'union' if not loop.last }}
        {% endfor %}
    ),

    touched as (
        select * from together
        union
        select * from given_away
        union
        select * from bought
        union
        select
            touched.account,
            linked.other_id as invoice_id
        from touched
        inner join linked on touched.account = linked.account and touched.invoice_id = linked.invoice_id
    )
{% endif %}

select
    account,
    invoice_id as touched_key,
    {{ starts_over | lower }} as everything,
    {% if is_any_aside %}
        (account, invoice_id) in (select (aside.account, aside.invoice_id) from aside) as is_set_aside
    {% else %}
        false as is_set_aside
    {% endif %}
from touched
