-- One row per person as an account knows them. The one place with personal data.
with people as (
    select * from {{ ref('int_people') }}
),

-- people who stand on a sale and of whom nothing else is known: their sign-up may still be on its way
mentioned as (
    {% for model, person in [
        ('int_orders', 'customer_id'),
        ('int_orders', 'agent_id'),
        ('int_tickets', 'customer_id'),
        ('int_product_sales', 'customer_id'),
        ('int_payments', 'customer_id'),
        ('int_payments', 'agent_id'),
    ] %}
        select
            platform,
            account,
            {{ person }} as customer_id,
            first_seen_at
        from {{ ref(model) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

only_mentioned as (
    select
        mentioned.platform,
        mentioned.account,
        mentioned.customer_id,
        min(mentioned.first_seen_at) as first_seen_at,
        max(mentioned.first_seen_at) as last_seen_at
    from mentioned
    anti join people
        on
            mentioned.platform = people.platform
            and mentioned.account = people.account
            and mentioned.customer_id = people.customer_id
    where mentioned.customer_id is not null
    group by mentioned.platform, mentioned.account, mentioned.customer_id
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
    last_seen_at
from everybody
