-- Grain: one row per person, in the unified shape.
with buyers as (

    select
        account,
        customer_id,
        buyer_first_name as first_name,
        buyer_last_name as last_name,
        coalesce(buyer_name, nullif(concat_ws(' ', buyer_first_name, buyer_last_name), '')) as full_name,
        buyer_email as email,
        buyer_phone as phone,
        marketing_opt_in,
        row(created_at, order_id) as place,
        first_seen_at,
        fetched_at
    from {{ ref('int_ticket_tailor__order_heads') }}
    where customer_id is not null

    union all

    -- tickets given out without an order
    select
        account,
        {{ person_key('email') }} as customer_id,
        null as first_name,
        null as last_name,
        null as full_name,
        email,
        null as phone,
        null as marketing_opt_in,
        row(created_at, ticket_id) as place,
        first_seen_at,
        fetched_at
    from {{ ref('int_ticket_tailor__ticket_heads') }}
    where order_id is null and email is not null

)

select
    'ticket_tailor' as platform,
    account,
    customer_id,
    -- a person is known by the address alone
    customer_id as person_key,
    arg_max(first_name, place) as first_name,
    arg_max(last_name, place) as last_name,
    arg_max(full_name, place) as full_name,
    arg_max(email, place) as email,
    arg_max(phone, place) as phone,
    cast(null as timestamptz) as signed_up_at,
    arg_max(marketing_opt_in, place) as accepts_mailing,
    cast(null as boolean) as accepts_sms,
    min(first_seen_at) as first_seen_at,
    max(fetched_at) as last_seen_at
from buyers
group by account, customer_id
