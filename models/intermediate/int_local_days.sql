-- One row per account and quarter of an hour in which anything was sold or paid, with the account's calendar day.
-- Looking a quarter up costs a tenth of asking each single time for its day: timezone() is slow where the zone comes
-- with the row. No zone's day has begun within a quarter of an hour since 1972.
{{ config(
    materialized='upserted',
    unique_key=['platform', 'account', 'quarter_hour'],
) }}

with quarters as (
    {% for model, at in [
        ('orders', 'coalesce(ordered_at, first_seen_at)'),
        ('tickets', 'sold_at'),
        ('product_sales', 'sold_at'),
        ('payments', 'coalesce(paid_at, first_seen_at)'),
        ('order_lines', 'booked_at'),
    ] %}
        select
            platform,
            account,
            {{ quarter_hour(at) }} as quarter_hour
        from {{ touched_of_both(model) }}
        where {{ at }} is not null
        {% if not loop.last %}union{% endif %}
    {% endfor %}
)

select
    quarters.platform,
    quarters.account,
    quarters.quarter_hour,
    {{ local_day('to_timestamp(quarters.quarter_hour * 900)', 'accounts.reporting_zone') }} as local_day
from quarters
inner join {{ ref('int_accounts') }} as accounts
    on quarters.platform = accounts.platform and quarters.account = accounts.account
