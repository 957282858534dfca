-- One row per account: a Ticketor site or a Ticket Tailor box office.
with accounts as (
    select * from {{ ref('int_accounts') }}
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
    accounts.reporting_zone,
    accounts.history_from,
    accounts.last_record_at,
    accounts.configured_at,
    coalesce(platforms.knows_fees, false) as knows_fees,
    coalesce(platforms.knows_scans, false) as knows_scans,
    coalesce(platforms.knows_returns, false) as knows_returns,
    coalesce(platforms.knows_capacity, false) as knows_capacity
from accounts
left join own_proposal on accounts.platform = own_proposal.platform and accounts.account = own_proposal.account
left join common_proposal on true
left join {{ ref('platforms') }} as platforms on accounts.platform = platforms.platform
