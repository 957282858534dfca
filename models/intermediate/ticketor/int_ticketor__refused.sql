-- Grain: one row per record refused and not since delivered whole.
with records as (
    select
        *,
        -- which reading of the file: a file is read again when it has changed
        (_dlt_load_id, file_mtime_ns, file_size) as reading
    from {{ ref('stg_ticketor__records') }}
),

refused as (
    select *
    from records
    where outcome <> 'loaded'
),

-- what may close a refusal: other records of the same file, or with the same payload
files as (
    select distinct
        account,
        file
    from refused
),

newest_in_place as (
    select
        records.account,
        records.file,
        records.position,
        max(records.reading) as reading
    from records
    inner join files
        on records.account = files.account and records.file = files.file
    group by records.account, records.file, records.position
),

newest_in_file as (
    select
        account,
        file,
        max(reading) as reading
    from newest_in_place
    group by account, file
),

payloads as (
    select distinct
        account,
        payload_id
    from refused
    where payload_id is not null
),

delivered as (
    select
        records.account,
        records.payload_id,
        records.webhook,
        max(records.received_at) as received_at
    from records
    inner join payloads
        on records.account = payloads.account and records.payload_id = payloads.payload_id
    where records.outcome = 'loaded'
    group by records.account, records.payload_id, records.webhook
)

select
    'ticketor' as platform,
    refused.account,
    refused.file,
    refused.position,
    coalesce(refused.reason, refused.outcome) as reason,
    refused.received_at as refused_at
from refused
inner join newest_in_place as place
    on refused.account = place.account and refused.file = place.file and refused.position = place.position
inner join newest_in_file as whole
    on refused.account = whole.account and refused.file = whole.file
where
    -- the same place of the file has been read again since, once it was completed or sent again
    not place.reading > refused.reading
    -- an empty file has been filled
    and not (refused.outcome = 'empty file' and whole.reading > refused.reading)
    -- the same payload came whole in another file
    and not exists (
        select 1
        from delivered
        where
            delivered.account = refused.account
            and delivered.payload_id = refused.payload_id
            and delivered.webhook = refused.webhook
            and delivered.received_at >= refused.received_at
    )
