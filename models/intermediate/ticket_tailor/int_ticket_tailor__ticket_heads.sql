-- Grain: one row per ticket.
{{ config(materialized='touched', meta={'touched_by': 'account, ticket_id'}) }}

-- A ticket comes in its own document and as a copy inside its order; the two may differ.
with versions as {{ kept() }} (

    select
        *,
        true as is_own_document,
        false as is_current_copy,
        false as is_listed_copy
    from {{ tt_versions('stg_ticket_tailor__issued_tickets', 'ticket_id') }}

    union all by name

    select
        copies.*,
        false as is_own_document,
        -- in the newest version of its order
        orders.version_id is not null as is_current_copy,
        orders.version_id is not null and orders.missing_since is null as is_listed_copy
    from {{ touched('stg_ticket_tailor__order_tickets') }} as copies
    {% if tt_has_webhooks('stg_ticket_tailor__orders') %}
        -- of a webhook that a read overrides there is no version
        semi join {{ ref('int_ticket_tailor__order_versions') }} as versions
            on copies.version_id = versions.version_id
    {% endif %}
    left join {{ touched('int_ticket_tailor__order_heads') }} as orders on copies.version_id = orders.version_id

),

tickets as (

    select
        account,
        ticket_id,
        -- what the list of tickets says now: its newest document comes last
        arg_max_null(missing_since, (is_own_document, fetched_at, version_id)) as missing_from_list_since,
        min(fetched_at) as first_seen_at,
        bool_or(is_own_document) as has_own_document,
        bool_or(is_current_copy) as is_in_order,
        max(order_id) filter (where is_listed_copy) as listed_order_id,
        max(order_id) as any_order_id,
        min(fetched_at) filter (where status in ('voided', 'void')) as seen_voided_at,
        min(status) <> max(status) as has_changed_status,
        min(event_id) <> max(event_id) as has_changed_event
    from versions
    group by account, ticket_id

),

-- by what identifies a version alone: all its columns would be sorted along
newest_versions as (

    select
        versions.version_id,
        versions.is_own_document,
        versions.ticket_no
    from versions
    inner join tickets on versions.account = tickets.account and versions.ticket_id = tickets.ticket_id
    qualify
        -- its own document as long as it is listed, then the copy in an order that lists it: what the platform says
        -- now, whichever of them changed last
        row_number() over (
            partition by versions.account, versions.ticket_id
            order by
                versions.is_own_document and tickets.missing_from_list_since is null desc,
                versions.is_listed_copy desc,
                case when versions.is_listed_copy then versions.order_id end desc,
                versions.fetched_at desc,
                versions.is_own_document desc,
                versions.version_id desc,
                versions.ticket_no desc
        ) = 1

),

newest as (

    select
        versions.*
        replace (
            -- a copy knows the order that its own document may not name; an earlier order does not count while the
            -- ticket's own document is listed
            coalesce(
                versions.order_id,
                tickets.listed_order_id,
                case
                    when not tickets.has_own_document or tickets.missing_from_list_since is not null
                        then tickets.any_order_id
                end
            ) as order_id
        ),
        tickets.missing_from_list_since,
        tickets.first_seen_at,
        tickets.is_in_order,
        tickets.seen_voided_at,
        tickets.has_changed_status,
        tickets.has_changed_event
    from versions
    semi join newest_versions
        on
            versions.version_id = newest_versions.version_id
            and versions.is_own_document = newest_versions.is_own_document
            and versions.ticket_no is not distinct from newest_versions.ticket_no
    inner join tickets on versions.account = tickets.account and versions.ticket_id = tickets.ticket_id

),

orders as (

    select
        account,
        order_id,
        max(first_seen_at) as newest_ticket_seen_at
    from newest
    where missing_from_list_since is null and order_id is not null
    group by account, order_id

)

select
    newest.version_id,
    newest.account,
    newest.ticket_id,
    newest.fetched_at,
    newest.order_id,
    newest.event_id,
    newest.ticket_type_id,
    newest.description,
    newest.status,
    newest.voided_at,
    newest.created_at,
    newest.source,
    newest.reservation,
    newest.email,
    newest.listed_price,
    newest.listed_currency,
    newest.listed_multiplier,
    newest.first_seen_at,
    -- voided when first seen: since when is not known
    case when newest.seen_voided_at > newest.first_seen_at then newest.seen_voided_at end as seen_voided_at,
    newest.missing_from_list_since as missing_since,
    -- gone from the list and from its order, which has a listed ticket that came later
    coalesce(
        newest.missing_from_list_since is not null
        and not newest.is_in_order
        and orders.newest_ticket_seen_at > newest.first_seen_at,
        false
    ) as is_replaced,
    newest.unreadable,
    coalesce(newest.has_changed_status, false) as has_changed_status,
    coalesce(newest.has_changed_event, false) as has_changed_event
from newest
left join orders on newest.account = orders.account and newest.order_id = orders.order_id
