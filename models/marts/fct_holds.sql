-- One row per hold on tickets of an event. Ticket Tailor only.
{{ config(tags=['lists']) }}

select
    {{ key(["'ticket_tailor'", 'account', 'hold_id']) }} as hold_key,
    'ticket_tailor' as platform,
    account,
    hold_id,
    {{ key(["'ticket_tailor'", 'account', 'event_id']) }} as event_key,
    tickets_on_hold,
    created_at,
    updated_at,
    missing_since,
    first_seen_at
from {{ ref('stg_ticket_tailor__holds') }}
