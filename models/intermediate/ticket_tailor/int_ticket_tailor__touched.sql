-- Grain: one row per order, and one per ticket, that is to be built: those in loads that are not built yet, and all
-- that are linked to them. After the build, none.
{{ config(post_hook="{{ open_build('ticket_tailor') }}") }}
{% set starts_over = not execute or must_start_over('ticket_tailor') %}
{% set is_any_aside = is_any_set_aside('ticket_tailor') %}
{% set is_new = '_dlt_load_id in ' ~ new_loads('ticket_tailor') %}
-- depends_on: {{ ref('stg_boxoffice__accounts') }}, {{ ref('stg_ticket_tailor__check_ins') }}
-- depends_on: {{ ref('stg_ticket_tailor__events') }}, {{ ref('stg_ticket_tailor__discounts') }}
-- depends_on: {{ ref('stg_ticket_tailor__order_line_items') }}, {{ ref('stg_ticket_tailor__vouchers') }}
with recursive tickets as (

    {% for model in ['issued_tickets', 'order_tickets'] %}
        select
            account,
            ticket_id,
            order_id
        from {{ ref('stg_ticket_tailor__' ~ model) }}
        {{ 'union all' if not loop.last }}
    {% endfor %}

),

{% if is_any_aside or not starts_over %}
    -- orders that share a line id: each changes the id that the other's line is given
    ids_of_several as (

        select
            account,
            line_item_id
        from {{ ref('stg_ticket_tailor__order_line_items') }}
        where line_item_id is not null
        group by account, line_item_id
        having min(order_id) <> max(order_id)

    ),

    shared_lines as (

        select distinct
            lines.account,
            lines.line_item_id,
            lines.order_id
        from {{ ref('stg_ticket_tailor__order_line_items') }} as lines
        semi join ids_of_several
            on lines.account = ids_of_several.account and lines.line_item_id = ids_of_several.line_item_id

    ),
{% endif %}

{% if is_any_aside %}
    aside as (

        select
            account,
            order_id as touched_key
        from {{ set_aside() }}
        where is_in_force and platform = 'ticket_tailor'
        union
        {{ linked_to('aside') }}

    ),
{% endif %}

{% if starts_over %}
    touched as (

        select
            account,
            order_id as touched_key
        from {{ ref('stg_ticket_tailor__orders') }}
        union
        select
            account,
            ticket_id as touched_key
        from tickets
        union
        select
            account,
            order_id as touched_key
        from tickets
        where order_id is not null

    )
{% else %}
    -- each use of a discount makes another version of it: its orders change only if the code does
    new_discounts as (

        select
            account,
            discount_id
        from {{ ref('stg_ticket_tailor__discounts') }}
        group by account, discount_id
        having
            bool_or({{ is_new }})
            and (bool_and({{ is_new }}) or min(coalesce(code, '')) <> max(coalesce(code, '')))

    ),

    -- a voucher's type says whether it pays or lowers a price
    new_vouchers as (

        select
            account,
            voucher_id
        from {{ ref('stg_ticket_tailor__vouchers') }}
        group by account, voucher_id
        having
            bool_or({{ is_new }})
            and (
                bool_and({{ is_new }}) or min(coalesce(voucher_type, '')) <> max(coalesce(voucher_type, ''))
            )

    ),

    new_tickets as (

        {% for model in ['issued_tickets', 'order_tickets'] %}
            select
                account,
                ticket_id
            from {{ ref('stg_ticket_tailor__' ~ model) }}
            where {{ is_new }}
            union
            -- a ticket without a description takes the name of its type from the event
            select
                tickets.account,
                tickets.ticket_id
            from {{ ref('stg_ticket_tailor__' ~ model) }} as tickets
            inner join {{ ref('stg_ticket_tailor__events') }} as events
                on tickets.account = events.account and tickets.event_id = events.event_id
            where tickets.description is null and events.{{ is_new }}
            union
        {% endfor %}
        select
            account,
            ticket_id
        from {{ ref('stg_ticket_tailor__check_ins') }}
        where ticket_id is not null and {{ is_new }}

    ),

    in_new_loads as (

        select
            account,
            order_id as touched_key
        from {{ ref('stg_ticket_tailor__orders') }}
        where {{ is_new }}
        union
        select
            lines.account,
            lines.order_id as touched_key
        from {{ ref('stg_ticket_tailor__order_line_items') }} as lines
        inner join new_discounts as discounts
            on lines.account = discounts.account and lines.item_id = discounts.discount_id
        union
        select
            lines.account,
            lines.order_id as touched_key
        from {{ ref('stg_ticket_tailor__order_line_items') }} as lines
        inner join new_vouchers as vouchers
            on lines.account = vouchers.account and lines.item_id = vouchers.voucher_id
        union
        select
            account,
            ticket_id as touched_key
        from new_tickets
        union
        -- every build checks whether they can be built again
        select
            account,
            order_id as touched_key
        from {{ set_aside() }}
        where platform = 'ticket_tailor'

    ),

    touched as (

        select * from in_new_loads
        union
        {{ linked_to('touched') }}

    )
{% endif %}

select
    account,
    touched_key,
    {{ starts_over | lower }} as everything,
    {% if is_any_aside %}
        (account, touched_key) in (select (aside.account, aside.touched_key) from aside) as is_set_aside
    {% else %}
        false as is_set_aside
    {% endif %}
from touched
{% if starts_over %}
    -- one row without an order: everything is built even when there are no orders
    union all
    select
        '' as account,
        '' as touched_key,
        true as everything,
        false as is_set_aside
{% endif %}
