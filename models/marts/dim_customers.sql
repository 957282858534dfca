-- One row per person as an account knows them. The one place with personal data.
with people as (
    select * from {{ ref('int_people') }}
),

-- people who stand on a sale and of whom nothing else is known: their sign-up may still be on its way
mentioned as (
    select platform, account, customer_id, first_seen_at from {{ ref('int_orders') }}
    union all
    select platform, account, agent_id, first_seen_at from {{ ref('int_orders') }}
    union all
    select platform, account, customer_id, first_seen_at from {{ ref('int_tickets') }}
    union all
    select platform, account, customer_id, first_seen_at from {{ ref('int_product_sales') }}
    union all
    select platform, account, customer_id, first_seen_at from {{ ref('int_payments') }}
    union all
    select platform, account, agent_id, first_seen_at from {{ ref('int_payments') }}
),

only_mentioned as (
    select
        platform,
        account,
        customer_id,
        min(first_seen_at) as first_seen_at,
        max(first_seen_at) as last_seen_at,
    from mentioned
    anti join people using (platform, account, customer_id)
    where customer_id is not null
    group by all
),

everybody as (
    select * from people
    union all by name
    select * from only_mentioned
)

select
    {{ key(['platform', 'account', 'customer_id']) }} as customer_key,
    platform,
    account,
    customer_id,
    {{ person_key('email') }} as person_key,
    first_name,
    last_name,
    full_name,
    email,
    phone,
    signed_up_at,
    accepts_mailing,
    accepts_sms,
    first_seen_at,
    last_seen_at,
from everybody
