-- Grain: one row per person of a site, by Id: who signed up, bought or sold. No row for Id 0.
{{ config(
    materialized='upserted',
    unique_key=['account', 'customer_id'],
) }}
{% set is_unit_test = model.resource_type == 'unit_test' %}
{% set whole = is_unit_test or is_made_whole() %}
{% set people_of_new_loads = '(select people.account, people.customer_id from people_in_new_loads as people)' %}
{% if not is_unit_test %}
-- depends_on: {{ ref('int_ticketor__touched') }}
{% endif %}
with {{ '' if whole else 'people_in_new_loads as (' ~ people_in_new_loads() ~ '),' }}

deliveries as (
    select
        record_id,
        account,
        user_id as customer_id,
        received_at,
        1 as place,
        first_name,
        last_name,
        email,
        coalesce(phone, mobile) as phone
    from {{ ref('stg_ticketor__users') }}
    where user_id <> '0'
    union all
    {% for model, who, place in [
        ('invoices', 'buyer', 2),
        ('invoices', 'agent', 3),
        ('tickets', 'buyer', 4),
        ('product_sales', 'buyer', 5),
        ('payments', 'buyer', 6),
    ] -%}
        select
            record_id,
            account,
            {{ who }}_id as customer_id,
            received_at,
            {{ place }} as place,
            {{ who }}_first_name as first_name,
            {{ who }}_last_name as last_name,
            {{ who }}_email as email,
            {{ who }}_phone as phone
        from {{ ref('stg_ticketor__' ~ model) }}
        where
            {{ who }}_id is not null
            and {{ 'true' if whole else '(account, ' ~ who ~ '_id) in ' ~ people_of_new_loads }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- after the people: DuckDB takes this for the narrower condition, and would look for them among all messages
mentions as (
    select * exclude (record_id)
    from deliveries
    where {{ is_first_delivery() }}
),

-- the few ways in which messages name a person, before anything is sorted
ways as (
    select
        account,
        customer_id,
        first_name,
        last_name,
        email,
        phone,
        min(received_at) as first_received_at,
        max(received_at) as last_received_at,
        -- of two received at one moment: who signed up before who bought, who bought before who sold
        arg_max(-place, (received_at, -place)) as nearness
    from mentions
    {{ '' if whole else 'semi join people_in_new_loads using (account, customer_id)' }}
    group by account, customer_id, first_name, last_name, email, phone
),

ranked as (
    select
        *,
        row_number() over (
            partition by account, customer_id
            order by
                last_received_at asc,
                nearness asc,
                email asc nulls first,
                last_name asc nulls first,
                first_name asc nulls first,
                phone asc nulls first
        ) as recency
    from ways
),

people as (
    select
        account,
        customer_id,
        -- both names of one message: the halves of two people would make a third
        max(recency) filter (where first_name is not null or last_name is not null) as named_by,
        arg_max(email, recency) filter (where email is not null) as email,
        arg_max(phone, recency) filter (where phone is not null) as phone,
        min(first_received_at) as first_seen_at,
        max(last_received_at) as last_seen_at
    from ranked
    group by account, customer_id
),

-- only a sign-up holds what a person agreed to
sign_ups as (
    select
        account,
        user_id,
        signed_up_at,
        accepts_mailing,
        accepts_sms
    from {{ distinct_deliveries('stg_ticketor__users', whole=true) }}
    where user_id <> '0'
    qualify
        row_number() over (
            partition by account, user_id
            order by received_at desc, file desc, position desc, record_id desc
        ) = 1
)

select
    'ticketor' as platform,
    people.account,
    people.customer_id,
    {{ person_key('people.email') }} as person_key,
    ranked.first_name,
    ranked.last_name,
    nullif(concat_ws(' ', ranked.first_name, ranked.last_name), '') as full_name,
    people.email,
    people.phone,
    sign_ups.signed_up_at,
    sign_ups.accepts_mailing,
    sign_ups.accepts_sms,
    people.first_seen_at,
    people.last_seen_at
from people
left join ranked
    on
        people.account = ranked.account
        and people.customer_id = ranked.customer_id
        and people.named_by = ranked.recency
left join sign_ups
    on people.account = sign_ups.account and people.customer_id = sign_ups.user_id
