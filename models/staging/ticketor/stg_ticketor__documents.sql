-- Grain: one row per record of a buffer file: its payload, word for word. A view: it is read for few records only.
{{ config(materialized='view') }}

select
    record_id,
    site as account,
    webhook,
    payload_id,
    document,
    raw
from {{ source('raw_ticketor', 'records') }}
