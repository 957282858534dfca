-- One row per account, in the settings or seen in the data.

with seen as (
    {% for model, happened_at, seen_at in [
        ('orders', 'ordered_at', 'first_seen_at'),
        ('tickets', 'sold_at', 'first_seen_at'),
        ('product_sales', 'sold_at', 'first_seen_at'),
        ('payments', 'paid_at', 'first_seen_at'),
        ('order_changes', 'null', 'first_seen_at'),
        ('events', 'null', 'first_seen_at'),
        ('products', 'null', 'first_seen_at'),
        ('people', 'null', 'last_seen_at'),
        ('refused', 'null', 'refused_at'),
    ] %}
        select
            platform,
            account,
            min({{ happened_at }}) as history_from,
            max({{ seen_at }}) as last_record_at
        from {{ of_both(model) }}
        group by platform, account
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

spans as (
    select
        platform,
        account,
        min(history_from) as history_from,
        max(last_record_at) as last_record_at
    from seen
    group by platform, account
),

accounts as (
    select
        configured.time_zone,
        configured.configured_at,
        spans.history_from,
        spans.last_record_at,
        coalesce(configured.platform, spans.platform) as platform,
        coalesce(configured.account, spans.account) as account
    from {{ ref('stg_boxoffice__accounts') }} as configured
    full outer join spans on configured.platform = spans.platform and configured.account = spans.account
)

select
    accounts.*,
    -- a zone the engine does not know would stop the build
    coalesce(zones.name, 'UTC') as reporting_zone
from accounts
left join pg_timezone_names() as zones on accounts.time_zone = zones.name
