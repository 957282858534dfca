-- One row per calendar day, from the first to the last day that any table mentions.
with mentioned as (
    {% for model, day in [
        ('fct_orders', 'ordered_on'),
        ('fct_orders', 'booked_on'),
        ('fct_tickets', 'sold_on'),
        ('fct_tickets', 'voided_on'),
        ('fct_product_sales', 'sold_on'),
        ('fct_payments', 'paid_on'),
        ('fct_order_lines', 'booked_on'),
        ('fct_order_changes', 'first_seen_on'),
        ('refused_records', 'refused_on'),
        ('dim_events', 'starts_on'),
    ] %}
        select {{ day }} as date_day
        from {{ ref(model) }}
        {% if not loop.last %}union{% endif %}
    {% endfor %}
),

-- a platform's "never" (the year 2200, say) stays a day of its own and does not stretch the calendar to it
calendar as (
    select cast(unnest(generate_series(min(date_day), max(date_day), interval 1 day)) as date) as date_day
    from mentioned
    where date_day between date '1990-01-01' and date '2099-12-31'
),

days as (
    select date_day from calendar
    union
    select date_day from mentioned
    where date_day is not null
)

select
    date_day,
    cast(year(date_day) as bigint) as year_number,
    cast(quarter(date_day) as bigint) as quarter_of_year,
    cast(month(date_day) as bigint) as month_of_year,
    monthname(date_day) as month_name,
    strftime(date_day, '%Y-%m') as year_month,
    cast(date_trunc('month', date_day) as date) as month_starts_on,
    cast(date_trunc('week', date_day) as date) as week_starts_on,
    cast(isoyear(date_day) as bigint) as iso_year,
    cast(weekofyear(date_day) as bigint) as iso_week,
    cast(day(date_day) as bigint) as day_of_month,
    cast(isodow(date_day) as bigint) as day_of_week,
    dayname(date_day) as day_name,
    isodow(date_day) in (6, 7) as is_weekend
from days
