-- Grain: one row per record of a buffer file, whatever became of it. The payload itself stays in raw.
{{ config(unique_key='record_id') }}

select
    record_id,
    site as account,
    outcome,
    reason,
    webhook,
    cast(payload_id as varchar) as payload_id,
    received_at,
    received_at_basis,
    file,
    position,
    file_size,
    file_mtime_ns,
    _dlt_load_id,
    {{ shape() }} as _shape
from {{ source('raw_ticketor', 'records') }}
where true
    {{ only_new_loads(source('raw_ticketor', 'records')) }}
