-- One row per account: a Ticketor site or a Ticket Tailor box office.
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

-- an account that was taken out of the settings stays as long as its data does
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
),

zones as (
    select name as zone from pg_timezone_names()
),

zones_of_events as (
    select
        events.platform,
        events.account,
        zones.zone,
        count(*) as how_many
    from {{ of_both('events') }} as events
    inner join zones on events.time_zone = zones.zone
    group by all
),

own_proposal as (
    select
        platform,
        account,
        zone
    from zones_of_events
    qualify row_number() over (partition by platform, account order by how_many desc, zone asc) = 1
),

-- Ticketor's events carry no zone: the other accounts' is the best guess
common_proposal as (
    select zone
    from zones_of_events
    group by all
    order by sum(how_many) desc, zone asc
    limit 1
)

select
    {{ key(['accounts.platform', 'accounts.account']) }} as account_key,
    accounts.platform,
    accounts.account,
    accounts.time_zone,
    case
        when accounts.time_zone is null then coalesce(own_proposal.zone, common_proposal.zone)
    end as time_zone_proposed,
    coalesce(reporting_zones.reporting_zone, 'UTC') as reporting_zone,
    accounts.history_from,
    accounts.last_record_at,
    accounts.configured_at,
    coalesce(platforms.knows_fees, false) as knows_fees,
    coalesce(platforms.knows_scans, false) as knows_scans,
    coalesce(platforms.knows_returns, false) as knows_returns,
    coalesce(platforms.knows_capacity, false) as knows_capacity
from accounts
left join {{ ref('int_reporting_zones') }} as reporting_zones
    on accounts.platform = reporting_zones.platform and accounts.account = reporting_zones.account
left join own_proposal on accounts.platform = own_proposal.platform and accounts.account = own_proposal.account
left join common_proposal on true
left join {{ ref('platforms') }} as platforms on accounts.platform = platforms.platform
