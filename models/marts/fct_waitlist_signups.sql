-- One row per entry on the waiting list of an event. Ticket Tailor only.
{{ config(tags=['lists']) }}

select
    {{ key(["'ticket_tailor'", 'signups.account', 'signups.waitlist_signup_id']) }} as waitlist_signup_key,
    'ticket_tailor' as platform,
    signups.account,
    signups.waitlist_signup_id,
    {{ key(["'ticket_tailor'", 'signups.account', 'signups.event_id']) }} as event_key,
    {{ person_key('signups.email') }} as person_key,
    signups.signed_up_at,
    {{ account_day('signups.signed_up_at', 'zones') }} as signed_up_on,
    signups.notified_at,
    signups.missing_since,
    signups.first_seen_at
from {{ ref('stg_ticket_tailor__waitlist_signups') }} as signups
left join {{ ref('int_reporting_zones') }} as zones
    on zones.platform = 'ticket_tailor' and signups.account = zones.account
