-- Grain: one row per order, and one per ticket, that is to be built: what loads that are not built yet tell of, and all
-- that hangs together with it.
{{ config(post_hook="{{ open_build('ticket_tailor') }}") }}
{% set is_new = "_dlt_load_id not in " ~ built_loads('ticket_tailor') %}
{% set starts_over = not execute or must_start_over('ticket_tailor') %}
-- depends_on: {{ ref('stg_boxoffice__accounts') }}, {{ ref('stg_ticket_tailor__check_ins') }}
-- depends_on: {{ ref('stg_ticket_tailor__events') }}, {{ ref('stg_ticket_tailor__discounts') }}
-- depends_on: {{ ref('stg_ticket_tailor__order_line_items') }}
with recursive tickets as (

    {% for model in ['issued_tickets', 'order_tickets'] %}
        select
            box_office,
            ticket_id,
            order_id,
            event_id,
            description,
            {{ is_new }} as is_new
        from {{ ref('stg_ticket_tailor__' ~ model) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% if starts_over %}
    touched as (

        select
            box_office,
            order_id as touched_key
        from {{ ref('stg_ticket_tailor__orders') }}
        union
        select
            box_office,
            ticket_id as touched_key
        from tickets
        union
        select
            box_office,
            order_id as touched_key
        from tickets
        where order_id is not null

    )
{% else %}
    told_tickets as (

        select
            box_office,
            ticket_id,
            order_id
        from tickets
        where is_new
        union
        select
            tickets.box_office,
            tickets.ticket_id,
            tickets.order_id
        from tickets
        inner join {{ ref('stg_ticket_tailor__check_ins') }} as scans
            on tickets.box_office = scans.box_office and tickets.ticket_id = scans.ticket_id
        where scans.{{ is_new }}
        union
        -- the name of its type is the event's to say
        select
            tickets.box_office,
            tickets.ticket_id,
            tickets.order_id
        from tickets
        inner join {{ ref('stg_ticket_tailor__events') }} as events
            on tickets.box_office = events.box_office and tickets.event_id = events.event_id
        where tickets.description is null and events.{{ is_new }}

    ),

    -- a discount is told of anew each time it is used; what its orders want to know of it is the code alone
    told_discounts as (

        select
            box_office,
            discount_id
        from {{ ref('stg_ticket_tailor__discounts') }}
        group by box_office, discount_id
        having
            bool_or({{ is_new }})
            and (bool_and({{ is_new }}) or min(coalesce(code, '')) <> max(coalesce(code, '')))

    ),

    told_orders as (

        select
            box_office,
            order_id
        from {{ ref('stg_ticket_tailor__orders') }}
        where {{ is_new }}
        union
        select
            lines.box_office,
            lines.order_id
        from {{ ref('stg_ticket_tailor__order_line_items') }} as lines
        inner join told_discounts as discounts
            on lines.box_office = discounts.box_office and lines.item_id = discounts.discount_id
        union
        select
            tickets.box_office,
            tickets.order_id
        from tickets
        semi join told_tickets
            on tickets.box_office = told_tickets.box_office and tickets.ticket_id = told_tickets.ticket_id
        where tickets.order_id is not null

    ),

    -- a ticket that was told of under two orders ties them together; hashes are compared in half the time, and leave
    -- few tickets to look at
    shared as (

        select hash(box_office, ticket_id) as hashed
        from tickets
        where order_id is not null
        group by hash(box_office, ticket_id)
        having min(hash(order_id)) <> max(hash(order_id))

    ),

    moved as (

        select
            box_office,
            ticket_id,
            min(order_id) as lowest_order_id
        from tickets
        where hash(box_office, ticket_id) in (select shared.hashed from shared)
        group by box_office, ticket_id
        having min(order_id) <> max(order_id)

    ),

    links as (

        select
            tickets.box_office,
            tickets.order_id,
            moved.lowest_order_id as other_id
        from tickets
        inner join moved on tickets.box_office = moved.box_office and tickets.ticket_id = moved.ticket_id
        union
        select
            tickets.box_office,
            moved.lowest_order_id as order_id,
            tickets.order_id as other_id
        from tickets
        inner join moved on tickets.box_office = moved.box_office and tickets.ticket_id = moved.ticket_id

    ),

    orders as (

        select * from told_orders
        union
        select
            links.box_office,
            links.other_id as order_id
        from orders
        inner join links on orders.box_office = links.box_office and orders.order_id = links.order_id

    ),

    touched as (

        select
            box_office,
            order_id as touched_key
        from orders
        union
        select
            box_office,
            ticket_id as touched_key
        from told_tickets
        union
        select
            tickets.box_office,
            tickets.ticket_id as touched_key
        from tickets
        semi join orders on tickets.box_office = orders.box_office and tickets.order_id = orders.order_id

    )
{% endif %}

select
    box_office as account,
    touched_key,
    {{ starts_over | lower }} as everything
from touched
{% if starts_over %}
    -- of no orders at all, everything is to be built as well
    union all
    select
        '' as account,
        '' as touched_key,
        true as everything
{% endif %}
