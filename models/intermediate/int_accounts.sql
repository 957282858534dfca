-- One row per account, in the settings or seen in the data.
{{ config(materialized='table') }}

with seen as (
    {% for model, happened_at, seen_at in [
        ('int_orders', 'ordered_at', 'first_seen_at'),
        ('int_tickets', 'sold_at', 'first_seen_at'),
        ('int_product_sales', 'sold_at', 'first_seen_at'),
        ('int_payments', 'paid_at', 'first_seen_at'),
        ('int_order_changes', 'null', 'first_seen_at'),
        ('int_events', 'null', 'first_seen_at'),
        ('int_products', 'null', 'first_seen_at'),
        ('int_people', 'null', 'last_seen_at'),
        ('int_refused', 'null', 'refused_at'),
    ] %}
        select
            platform,
            account,
            min({{ happened_at }}) as history_from,
            max({{ seen_at }}) as last_record_at
        from {{ ref(model) }}
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
