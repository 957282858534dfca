-- Grain: one row per ticket.
{{ config(materialized='touched', meta={'touched_by': 'account, ticket_id'}) }}

-- A ticket comes in its own document and as a copy inside its order; the two may differ.
with versions as (

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

listed as (

    select
        *,
        -- what the list of tickets says now: its newest document comes last
        last_value(missing_since) over (
            partition by account, ticket_id
            order by is_own_document, fetched_at, version_id
            rows between unbounded preceding and unbounded following
        ) as missing_from_list_since
    from versions

),

ranked as (

    select
        *,
        -- its own document as long as it is listed, then the copy in an order that lists it: what the platform says
        -- now, whichever of them changed last
        row_number() over (
            partition by account, ticket_id
            order by
                is_own_document and missing_from_list_since is null desc,
                is_listed_copy desc,
                case when is_listed_copy then order_id end desc,
                fetched_at desc,
                is_own_document desc,
                version_id desc,
                ticket_no desc
        ) as version_rank,
        min(fetched_at) over same_ticket as first_seen_at,
        bool_or(is_current_copy) over same_ticket as is_in_order,
        coalesce(
            max(case when is_listed_copy then order_id end) over same_ticket,
            -- an earlier order does not count while the ticket's own document is listed
            case
                when not bool_or(is_own_document) over same_ticket or missing_from_list_since is not null
                    then max(order_id) over same_ticket
            end
        ) as any_order_id,
        min(case when status in ('voided', 'void') then fetched_at end) over same_ticket as seen_voided_at,
        min(status) over same_ticket <> max(status) over same_ticket as has_changed_status,
        min(event_id) over same_ticket <> max(event_id) over same_ticket as has_changed_event
    from listed
    window same_ticket as (partition by account, ticket_id)

),

newest as (

    -- a copy knows the order that its own document may not name
    select * replace (coalesce(order_id, any_order_id) as order_id)
    from ranked
    where version_rank = 1

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
