-- One row per person as an account knows them. The one place with personal data.
select
    {{ key(['platform', 'account', 'customer_id']) }} as customer_key,
    platform,
    account,
    customer_id,
    person_key,
    first_name,
    last_name,
    full_name,
    email,
    phone,
    signed_up_at,
    accepts_mailing,
    accepts_sms,
    first_seen_at,
    last_seen_at
from {{ of_both('people') }}
