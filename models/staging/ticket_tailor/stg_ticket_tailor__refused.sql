-- Grain: one row per document, or record of a webhook's file, that was refused by validation.
{{ config(materialized='view') }}
{% set webhooks = source('raw_ticket_tailor', 'webhooks') %}

{% if is_there(webhooks) %}
    -- a file is read again when it has changed, and its first record written again: what it held before is closed
    with files as (

        select
            box_office,
            file,
            arg_max(row(file_size, file_mtime_ns), row(_dlt_load_id, file_mtime_ns, file_size)) as reading
        from {{ webhooks }}
        where position = 0
        group by box_office, file

    )

{% endif %}
select
    refused_id,
    box_office as account,
    list,
    id as document_id,
    list as file,
    cast(null as bigint) as position,
    reason,
    fetched_at
from {{ source('raw_ticket_tailor', 'refused') }}
{% if is_there(webhooks) %}
    union all
    select
        records.record_id as refused_id,
        records.box_office as account,
        records.list,
        records.id as document_id,
        records.file,
        records.position,
        records.reason,
        records.received_at as fetched_at
    from {{ webhooks }} as records
    inner join files
        on records.box_office = files.box_office
            and records.file = files.file
            and row(records.file_size, records.file_mtime_ns) = files.reading
    where records.outcome <> 'loaded'
{% endif %}
