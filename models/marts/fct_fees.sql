-- One row per order, part and day: what the platforms charge the venue, as far as they report it.
{{ config(materialized='view') }}

{% for part in parts_of_fees() %}
    select
        platform,
        account,
        order_key,
        order_id,
        event_key,
        '{{ part }}' as part,
        booked_on,
        coalesce(currency, 'XXX') as currency,
        {{ part }}_fee_amount as amount
    from {{ mart('fct_orders') }}
    where booked_on is not null and {{ part }}_fee_amount is not null
    union all
{% endfor %}
select
    payments.platform,
    payments.account,
    payments.order_key,
    payments.order_id,
    orders.event_key,
    'kept_back' as part,
    payments.paid_on as booked_on,
    coalesce(payments.currency, 'XXX') as currency,
    {{ money('sum(payments.platform_deduction)') }} as amount
from {{ mart('fct_payments') }} as payments
left join {{ mart('fct_orders') }} as orders on payments.order_key = orders.order_key
where payments.platform_deduction <> 0
group by all
