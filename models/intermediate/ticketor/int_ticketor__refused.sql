-- Grain: one row per record refused and not since delivered whole.
{% set is_model = execute and model.resource_type == 'model' %}
-- by name, so that no other document is read
{% set truncated_payloads = run_query(
    "select distinct payload_id from " ~ ref('stg_ticketor__records')
    ~ " where outcome <> 'loaded' and reason like 'truncated%' and payload_id is not null"
).columns[0].values() if is_model else [] %}
with
-- a file that holds an empty list is complete; of a CTE of all records, DuckDB would make a copy first
refused as (
    select *
    from {{ ref('stg_ticketor__records') }}
    where outcome <> 'loaded' and reason is distinct from 'no records'
),

-- a file is read again when it has changed: its first record and those still refused are then written again
files as (
    select distinct
        account,
        file
    from refused
),

newest_readings as (
    select
        records.account,
        records.file,
        records.file_size,
        records.file_mtime_ns
    from {{ ref('stg_ticketor__records') }} as records
    inner join files
        on records.account = files.account and records.file = files.file
    where records.position = 0
    qualify
        row_number() over (
            partition by records.account, records.file
            order by
                records._dlt_load_id desc,
                records.file_mtime_ns desc,
                records.file_size desc,
                records.record_id desc
        ) = 1
),

still_in_file as (
    select refused.*
    from refused
    left join newest_readings as newest
        on refused.account = newest.account and refused.file = newest.file
    where
        newest.file is null
        or (refused.file_size = newest.file_size and refused.file_mtime_ns = newest.file_mtime_ns)
),

-- the same payload, whole, in any file; details are more than a plain invoice
delivered_later as (
    select distinct refused.record_id
    from still_in_file as refused
    inner join {{ ref('stg_ticketor__records') }} as loaded
        on refused.account = loaded.account and refused.payload_id = loaded.payload_id
    where
        loaded.outcome = 'loaded'
        and (
            loaded.webhook = refused.webhook
            or (refused.webhook = 'invoice' and loaded.webhook = 'invoice_with_details')
        )
        and (
            loaded.received_at > refused.received_at
            or (
                loaded.received_at = refused.received_at
                and (loaded.file <> refused.file or loaded.position > refused.position)
            )
        )
),

documents as (
    select *
    from {{ ref('stg_ticketor__documents') }}
    {% if is_model %}
        where payload_id in ({{ truncated_payloads | join(', ') or 'null' }})
    {% endif %}
),

truncated as (
    select
        refused.record_id,
        refused.account,
        documents.payload_id,
        documents.raw
    from still_in_file as refused
    inner join documents
        on refused.record_id = documents.record_id
    where refused.reason like 'truncated%' and refused.payload_id is not null
),

-- the beginning of a payload is worth nothing where the whole of it is held, whenever that came
held_whole as (
    select distinct truncated.record_id
    from truncated
    inner join documents
        on truncated.account = documents.account and truncated.payload_id = documents.payload_id
    where starts_with(hex(encode(documents.document)), hex(truncated.raw))
)

select
    'ticketor' as platform,
    refused.account,
    refused.file,
    refused.position,
    coalesce(refused.reason, refused.outcome) as reason,
    refused.received_at as refused_at
from still_in_file as refused
left join delivered_later
    on refused.record_id = delivered_later.record_id
left join held_whole
    on refused.record_id = held_whole.record_id
where delivered_later.record_id is null and held_whole.record_id is null
