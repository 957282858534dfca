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
    {{ local_day('refused.refused_at', 'accounts.reporting_zone') }} as refused_on
from refused
left join {{ ref('int_accounts') }} as accounts
    on refused.platform = accounts.platform and refused.account = accounts.account
