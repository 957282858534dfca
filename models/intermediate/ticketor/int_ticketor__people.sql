-- Grain: one row per person of a site, by Id: who signed up, bought or sold. Nobody for Id 0.
with mentions as (
    select
        account,
        user_id as customer_id,
        received_at,
        1 as source,
        first_name,
        last_name,
        email,
        coalesce(phone, mobile) as phone
    from {{ ref('stg_ticketor__users') }}
    where user_id <> '0'
    union all by name
    select
        account,
        buyer_id as customer_id,
        received_at,
        2 as source,
        buyer_first_name as first_name,
        buyer_last_name as last_name,
        buyer_email as email,
        buyer_phone as phone
    from {{ ref('stg_ticketor__invoices') }}
    where buyer_id is not null
    union all by name
    select
        account,
        agent_id as customer_id,
        received_at,
        3 as source,
        agent_first_name as first_name,
        agent_last_name as last_name,
        agent_email as email,
        agent_phone as phone
    from {{ ref('stg_ticketor__invoices') }}
    where agent_id is not null
    {% for items in ['tickets', 'product_sales', 'payments'] %}
    union all by name
    select
        account,
        buyer_id as customer_id,
        received_at,
        {{ 3 + loop.index }} as source,
        buyer_first_name as first_name,
        buyer_last_name as last_name,
        buyer_email as email,
        buyer_phone as phone
    from {{ ref('stg_ticketor__' ~ items) }}
    where buyer_id is not null
    {% endfor %}
),

-- the few ways in which a person was named, before anything is sorted
ways as (
    select
        account,
        customer_id,
        first_name,
        last_name,
        email,
        phone,
        min(received_at) as first_told_at,
        max(received_at) as last_told_at,
        arg_max(-source, (received_at, -source)) as source_rank
    from mentions
    group by account, customer_id, first_name, last_name, email, phone
),

ranked as (
    select
        *,
        row_number() over (
            partition by account, customer_id
            order by last_told_at, source_rank, email nulls first, last_name nulls first, first_name nulls first, phone nulls first
        ) as recency
    from ways
),

people as (
    select
        account,
        customer_id,
        -- first and last name of one message: two halves of two people make a third
        arg_max({'first': first_name, 'last': last_name}, recency)
            filter (where first_name is not null or last_name is not null) as names,
        arg_max(email, recency) filter (where email is not null) as email,
        arg_max(phone, recency) filter (where phone is not null) as phone,
        min(first_told_at) as first_seen_at,
        max(last_told_at) as last_seen_at
    from ranked
    group by account, customer_id
),

signed_up as (
    select *
    from {{ ref('stg_ticketor__users') }}
    where user_id <> '0'
    qualify row_number() over (
        partition by account, user_id order by received_at desc, file desc, position desc, record_id desc
    ) = 1
)

select
    'ticketor' as platform,
    people.account,
    people.customer_id,
    people.names.first as first_name,
    people.names.last as last_name,
    nullif(concat_ws(' ', people.names.first, people.names.last), '') as full_name,
    people.email,
    people.phone,
    signed_up.signed_up_at,
    signed_up.accepts_mailing,
    signed_up.accepts_sms,
    people.first_seen_at,
    people.last_seen_at
from people
left join signed_up
    on people.account = signed_up.account and people.customer_id = signed_up.user_id
