-- No mart reads these documents: what is asked of them is only whether one that was refused has come whole since.
{{ config(materialized='view', post_hook=[]) }}

select
    version_id,
    box_office,
    id as document_id,
    fetched_at,
    missing_since
from {{ source('raw_ticket_tailor', 'holds') }}
