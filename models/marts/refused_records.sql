-- One row per record that was refused and has not been delivered whole since.
with refused as (
    select
        *,
        row_number() over (partition by platform, account, file, position, reason, refused_at) as occurrence
    from {{ of_both('refused') }}
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
