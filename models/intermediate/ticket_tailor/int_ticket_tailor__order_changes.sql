-- Grain: one row per change seen between two versions of an order or of one of its tickets, in the unified shape.
{{ config(materialized='touched') }}

with versions as (

    select
        *,
        coalesce(base_multiplier, 100) as multiplier
    from {{ ref('int_ticket_tailor__order_versions') }}
    where version_no > 1

),

order_changes as (

    select
        account,
        order_id,
        'status' as what,
        previous_status as before,
        status as after,
        fetched_at
    from versions
    where status is distinct from previous_status

    union all

    select
        account,
        order_id,
        'event' as what,
        previous_event_id as before,
        event_id as after,
        fetched_at
    from versions
    where event_id is distinct from previous_event_id
    {% for what, column in [
        ('total', 'total'), ('paid', 'total_paid'), ('refund', 'money_refunded'), ('credit', 'credit_issued'),
    ] %}
        union all

        select
            account,
            order_id,
            '{{ what }}' as what,
            cast({{ from_minor_units('previous_' ~ column, 'multiplier') }} as varchar) as before,
            cast({{ from_minor_units(column, 'multiplier') }} as varchar) as after,
            fetched_at
        from versions
        where {{ column }} is distinct from previous_{{ column }}
    {% endfor %}
),

changed_tickets as (

    select
        account,
        ticket_id,
        order_id
    from {{ touched('int_ticket_tailor__ticket_heads') }}
    where (has_changed_status or has_changed_event) and order_id is not null

),

documents as (

    select
        *,
        true as is_own_document
    from {{ tt_versions('stg_ticket_tailor__issued_tickets', 'ticket_id') }}

    union all by name

    select
        copies.*,
        false as is_own_document
    from {{ touched('stg_ticket_tailor__order_tickets') }} as copies
    {% if tt_has_webhooks('stg_ticket_tailor__orders') %}
        -- of a webhook that a read overrides there is no version
        semi join {{ ref('int_ticket_tailor__order_versions') }} as versions
            on copies.version_id = versions.version_id
    {% endif %}

),

ticket_versions as (

    select
        changed_tickets.account,
        changed_tickets.order_id,
        changed_tickets.ticket_id,
        documents.fetched_at,
        documents.status,
        documents.event_id,
        lag(documents.status) over seen as previous_status,
        lag(documents.event_id) over seen as previous_event_id,
        row_number() over seen as version_no
    from documents
    inner join changed_tickets
        on documents.account = changed_tickets.account and documents.ticket_id = changed_tickets.ticket_id
    window seen as (
        partition by documents.account, documents.ticket_id
        order by documents.fetched_at, documents.is_own_document, documents.version_id, documents.ticket_no
    )

),

changes as (

    select * from order_changes

    union all

    select
        account,
        order_id,
        'ticket status' as what,
        ticket_id || ': ' || coalesce(previous_status, '?') as before,
        ticket_id || ': ' || coalesce(status, '?') as after,
        fetched_at
    from ticket_versions
    where version_no > 1 and status is distinct from previous_status

    union all

    select
        account,
        order_id,
        'ticket event' as what,
        ticket_id || ': ' || coalesce(previous_event_id, '?') as before,
        ticket_id || ': ' || coalesce(event_id, '?') as after,
        fetched_at
    from ticket_versions
    where version_no > 1 and event_id is distinct from previous_event_id

)

select
    'ticket_tailor' as platform,
    account,
    order_id,
    what,
    before,
    after,
    fetched_at as first_seen_at
from changes
