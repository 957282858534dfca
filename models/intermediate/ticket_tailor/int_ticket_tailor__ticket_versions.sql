{{ config(materialized='view') }}

-- A ticket comes twice: in its own list and as a copy inside its order. They need not say the same of it.
select
    account,
    ticket_id,
    version_id,
    fetched_at,
    1 as is_own_document,
    0 as ticket_no,
    order_id,
    event_id,
    ticket_type_id,
    description,
    status,
    voided_at,
    created_at,
    checked_in,
    source,
    reservation,
    email,
    listed_price,
    listed_currency,
    listed_multiplier,
    unreadable,
    missing_since
from {{ touched('stg_ticket_tailor__issued_tickets') }}

union all

select
    account,
    ticket_id,
    version_id,
    fetched_at,
    0 as is_own_document,
    ticket_no,
    order_id,
    event_id,
    ticket_type_id,
    description,
    status,
    voided_at,
    created_at,
    checked_in,
    source,
    reservation,
    email,
    listed_price,
    listed_currency,
    listed_multiplier,
    unreadable,
    null as missing_since
from {{ touched('stg_ticket_tailor__order_tickets') }}
