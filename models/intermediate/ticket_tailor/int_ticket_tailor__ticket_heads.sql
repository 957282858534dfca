{{ config(materialized='touched', meta={'touched_by': 'account, ticket_id'}) }}

-- what the orders themselves list now
with in_orders as (

    select distinct
        tickets.account,
        tickets.ticket_id,
        tickets.version_id,
        orders.missing_since is null as is_listed
    from {{ touched('stg_ticket_tailor__order_tickets') }} as tickets
    inner join {{ touched('int_ticket_tailor__order_heads') }} as orders on tickets.version_id = orders.version_id

),

placed as (

    select
        versions.*,
        -- what the list of tickets says now: its newest document comes last
        last_value(versions.missing_since) over newest_own_last as missing_from_list_since,
        versions.is_own_document = 0 and coalesce(in_orders.is_listed, false) as is_listed_copy
    from {{ ref('int_ticket_tailor__ticket_versions') }} as versions
    left join in_orders
        on versions.account = in_orders.account
            and versions.ticket_id = in_orders.ticket_id
            and versions.version_id = in_orders.version_id
    window newest_own_last as (
        partition by versions.account, versions.ticket_id
        order by versions.is_own_document, versions.fetched_at, versions.version_id
        rows between unbounded preceding and unbounded following
    )

),

ranked as (

    select
        *,
        -- its own document as long as it is listed, then the copy in an order that lists it: what the platform says
        -- now, whichever of them changed last
        row_number() over (
            partition by account, ticket_id
            order by
                is_own_document = 1 and missing_from_list_since is null desc,
                is_listed_copy desc,
                case when is_listed_copy then order_id end desc,
                fetched_at desc,
                is_own_document desc,
                version_id desc,
                ticket_no desc
        ) as version_rank,
        min(fetched_at) over same_ticket as first_seen_at,
        coalesce(
            max(case when is_listed_copy then order_id end) over same_ticket,
            -- an order of former times says nothing where the ticket's own document is listed
            case
                when max(is_own_document) over same_ticket = 0 or missing_from_list_since is not null
                    then max(order_id) over same_ticket
            end
        ) as any_order_id,
        min(case when status in ('voided', 'void') then fetched_at end) over same_ticket as seen_voided_at,
        min(status) over same_ticket <> max(status) over same_ticket as has_changed_status,
        min(event_id) over same_ticket <> max(event_id) over same_ticket as has_changed_event
    from placed
    window same_ticket as (partition by account, ticket_id)

),

newest as (

    -- a copy knows the order that its own document may not name
    select * replace (coalesce(order_id, any_order_id) as order_id)
    from ranked
    where version_rank = 1

),

came_last as (

    select
        account,
        order_id,
        max(first_seen_at) as first_seen_at
    from newest
    where missing_from_list_since is null and order_id is not null
    group by account, order_id

),

-- gone from both, while its order has one that came later: that one stands in its place
replaced as (

    select
        newest.account,
        newest.ticket_id
    from newest
    inner join came_last on newest.account = came_last.account and newest.order_id = came_last.order_id
    anti join in_orders on newest.account = in_orders.account and newest.ticket_id = in_orders.ticket_id
    where newest.missing_from_list_since is not null and came_last.first_seen_at > newest.first_seen_at

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
    -- voided when we met it: nobody knows since when
    case when newest.seen_voided_at > newest.first_seen_at then newest.seen_voided_at end as seen_voided_at,
    newest.missing_from_list_since as missing_since,
    replaced.ticket_id is not null as is_replaced,
    newest.unreadable,
    coalesce(newest.has_changed_status, false) as has_changed_status,
    coalesce(newest.has_changed_event, false) as has_changed_event
from newest
left join replaced on newest.account = replaced.account and newest.ticket_id = replaced.ticket_id
