-- Grain: one row per record refused and not since delivered whole.
with records as (
    select
        *,
        outcome = 'loaded' as is_whole
    from {{ ref('stg_ticketor__records') }}
),

-- the same place of the same file, read again after the file was completed or sent again
replaced as (
    select
        account,
        file,
        position,
        max((_dlt_load_id, file_mtime_ns, file_size)) as newest
    from records
    group by account, file, position
),

-- an empty file that has been filled since
filled as (
    select
        account,
        file,
        max((_dlt_load_id, file_mtime_ns, file_size)) as newest
    from records
    where outcome <> 'empty file'
    group by account, file
),

-- the same payload, whole, in any file
delivered as (
    select
        account,
        webhook,
        payload_id,
        max(received_at) as received_at
    from records
    where is_whole
    group by account, webhook, payload_id
)

select
    'ticketor' as platform,
    records.account,
    records.file,
    records.position,
    coalesce(records.reason, records.outcome) as reason,
    records.received_at as refused_at
from records
inner join replaced
    on records.account = replaced.account and records.file = replaced.file and records.position = replaced.position
left join filled
    on records.account = filled.account and records.file = filled.file
left join delivered
    on records.account = delivered.account
        and records.payload_id = delivered.payload_id
        and records.webhook = delivered.webhook
where not records.is_whole
    and replaced.newest = (records._dlt_load_id, records.file_mtime_ns, records.file_size)
    and not (
        records.outcome = 'empty file'
        and coalesce(filled.newest > (records._dlt_load_id, records.file_mtime_ns, records.file_size), false)
    )
    and not coalesce(delivered.received_at >= records.received_at, false)
