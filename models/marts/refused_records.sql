-- One row per record that was refused and has not been delivered whole since.
with of_exports as (
    select
        refused.processor as platform,
        'payouts' as account,
        refused.file,
        refused.position,
        refused.reason,
        refused.loaded_at as refused_at
    from {{ ref('stg_payouts__transactions') }} as refused
    anti join {{ ref('stg_payouts__transactions') }} as delivered
        on
            refused.processor = delivered.processor
            and refused.transaction_id = delivered.transaction_id
            and refused.loaded_at < delivered.loaded_at
            and delivered.reason is null
    where refused.reason is not null
),

refused as (
    select
        *,
        row_number() over (partition by platform, account, file, position, reason, refused_at) as occurrence
    from (
        select * from {{ of_both('refused') }}
        union all by name
        select * from of_exports
    )
)

select
    {{ key([
        'refused.platform',
        'refused.account',
        'refused.file',
        "coalesce(refused.position, -1)",
        'refused.reason',
        'epoch_us(refused.refused_at)',
        'refused.occurrence',
    ]) }} as refused_record_key,
    refused.platform,
    refused.account,
    refused.file,
    refused.position,
    refused.reason,
    refused.refused_at,
    {{ account_day('refused.refused_at', 'zones') }} as refused_on
from refused
left join {{ ref('int_reporting_zones') }} as zones
    on refused.platform = zones.platform and refused.account = zones.account
