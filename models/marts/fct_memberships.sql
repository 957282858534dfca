-- One row per membership issued. Ticket Tailor only.
{{ config(tags=['lists']) }}

select
    {{ key(["'ticket_tailor'", 'account', 'membership_id']) }} as membership_key,
    'ticket_tailor' as platform,
    account,
    membership_id,
    membership_type_id,
    membership_type,
    {{ person_key('email') }} as person_key,
    issued_at,
    valid_from,
    valid_to,
    is_valid,
    voided_at,
    redemptions,
    most_redemptions,
    missing_since,
    first_seen_at
from {{ ref('stg_ticket_tailor__memberships') }}
