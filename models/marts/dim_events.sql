-- One row per event: one performance as one account sells it.
with events as (
    select * from {{ of_both('events') }}
),

sold as (
    {% for model, seen_at in [
        ('orders', 'first_seen_at'),
        ('tickets', 'first_seen_at'),
        ('product_sales', 'first_seen_at'),
        ('order_lines', 'null'),
    ] %}
        select
            platform,
            account,
            event_id,
            {{ seen_at }} as first_seen_at
        from {{ of_both(model) }}
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

only_sold as (
    select
        sold.platform,
        sold.account,
        sold.event_id,
        min(sold.first_seen_at) as first_seen_at
    from sold
    anti join events
        on
            sold.platform = events.platform
            and sold.account = events.account
            and sold.event_id = events.event_id
    where sold.event_id is not null
    group by sold.platform, sold.account, sold.event_id
),

all_events as (
    select * from events
    union all by name
    select * from only_sold
),

placed as (
    select
        all_events.*,
        coalesce(zones.name, accounts.reporting_zone, 'UTC') as local_zone
    from all_events
    left join {{ ref('int_reporting_zones') }} as accounts
        on all_events.platform = accounts.platform and all_events.account = accounts.account
    -- a zone the engine does not know would stop the build: the account's serves instead
    left join pg_timezone_names() as zones on all_events.time_zone = zones.name
),

-- people edit this seed: of two rows for one event the first counts
shows as (
    select seed.*
    from {{ ref('shows') }} as seed
    qualify
        row_number() over (
            partition by seed.platform, seed.account, seed.event_id
            order by
                seed.show,
                seed.production,
                seed.season,
                seed.capacity,
                seed.performed_on,
                seed.called_off,
                seed.target
        ) = 1
)

select
    {{ key(['placed.platform', 'placed.account', 'placed.event_id']) }} as event_key,
    placed.platform,
    placed.account,
    placed.event_id,
    placed.event_series_id,
    case
        when shows.show is not null then {{ key(["'show'", 'shows.show']) }}
        else {{ key(['placed.platform', 'placed.account', 'placed.event_id']) }}
    end as show_key,
    coalesce(shows.show, placed.event_name) as show_name,
    shows.production,
    shows.season,
    shows.promoter,
    placed.event_name,
    placed.event_name_as_given,
    placed.starts_at,
    placed.ends_at,
    placed.time_zone,
    placed.local_zone,
    timezone(placed.local_zone, placed.starts_at) as starts_local,
    timezone(placed.local_zone, placed.ends_at) as ends_local,
    {{ local_day('placed.starts_at', 'placed.local_zone') }} as starts_on,
    case
        when coalesce(shows.called_off, false) then null
        else coalesce(shows.performed_on, {{ local_day('placed.starts_at', 'placed.local_zone') }})
    end as released_on,
    coalesce(shows.called_off, false) as is_called_off,
    placed.dates_seen,
    placed.status,
    placed.missing_since,
    placed.venue,
    coalesce(shows.capacity, placed.capacity) as capacity,
    case when shows.capacity is not null then 'shows seed' else placed.capacity_basis end as capacity_basis,
    shows.target,
    placed.currency,
    placed.platform_orders_count,
    placed.platform_tickets_count,
    placed.platform_revenue,
    placed.first_seen_at
from placed
left join shows
    on
        placed.platform = shows.platform
        and placed.account = shows.account
        and placed.event_id = shows.event_id
