-- One row per change of an order that was seen between two of its versions.
{{ config(materialized='touched') }}

with changes as (
    select
        *,
        -- two tickets of one order may change alike at once: distinguished by a number, so that each keeps a key
        row_number() over (partition by platform, account, order_id, what, before, after, first_seen_at) as occurrence
    from {{ touched_of_both('order_changes') }}
)

select
    {{ key([
        'changes.platform',
        'changes.account',
        'changes.order_id',
        'changes.what',
        "coalesce(changes.before, '')",
        "coalesce(changes.after, '')",
        'epoch_us(changes.first_seen_at)',
        'changes.occurrence',
    ]) }} as order_change_key,
    changes.platform,
    changes.account,
    {{ key(['changes.platform', 'changes.account', 'changes.order_id']) }} as order_key,
    changes.order_id,
    changes.what,
    changes.before,
    changes.after,
    changes.first_seen_at,
    {{ account_day('changes.first_seen_at', 'zones') }} as first_seen_on
from changes
left join {{ ref('int_reporting_zones') }} as zones
    on changes.platform = zones.platform and changes.account = zones.account
