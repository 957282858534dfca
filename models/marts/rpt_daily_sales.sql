-- One row per account, local day and currency.
with by_event as (
    select * from {{ ref('int_daily_event_sales') }}
),

-- an order over two events is one order of its day: the one thing that is not a sum over events
orders as (
    select
        platform,
        account,
        booked_on as sales_on,
        coalesce(currency, 'XXX') as currency,
        count(*) filter (where not {{ is_return('order_type') }}) as orders,
        {% for part in parts_of_fees() %}
            sum({{ part }}_fee_amount) as {{ part }}_fees,
        {% endfor %}
        count(*) filter (where platform_fee_amount is null) as orders_without_fees
    from {{ ref('fct_orders') }}
    where booked_on is not null
    group by all
),

together as (
    select * exclude (orders, orders_without_fees) from by_event
    union all by name
    select * from orders
),

summed as (
    select
        platform,
        account,
        sales_on,
        currency,
        {% for part in parts_of_fees() %}
            {{ wide('sum(' ~ part ~ '_fees)') }} as {{ part }}_fees,
        {% endfor %}
        {{ summed_measures() }}
    from together
    group by all
)

select
    {{ key(['summed.platform', 'summed.account', 'summed.sales_on', 'summed.currency']) }} as daily_sales_key,
    summed.platform,
    summed.account,
    summed.sales_on,
    summed.currency,
    {% for part in parts_of_fees() %}
        {{ known_fees('summed', part ~ '_fees', 'accounts') }} as {{ part }}_fees,
    {% endfor %}
    {{ measures('summed', 'accounts') }}
from summed
left join {{ ref('dim_accounts') }} as accounts
    on summed.platform = accounts.platform and summed.account = accounts.account
