-- Grain: one row per membership issued, in its newest version, with the name of its type.
{{ config(materialized='view', tags=['lists']) }}

with documents as (

    select
        box_office as account,
        id,
        document ->> '$.membership_type_id' as membership_type_id,
        missing_since,
        first_seen_at,
        from_json(document, '{
            "membership_type_name": "VARCHAR", "email": "VARCHAR", "is_valid": "VARCHAR", "issue_date": "VARCHAR",
            "valid_from": "VARCHAR", "valid_to": "VARCHAR", "voided_at": "VARCHAR", "redemptions": "VARCHAR",
            "max_redemptions": "VARCHAR"
        }') as d
    from {{ tt_newest('issued_memberships') }}

),

types as (

    select
        box_office as account,
        id,
        {{ cleaned("document ->> '$.name'") }} as type_name
    from {{ tt_newest('membership_types') }}

)

select
    documents.account,
    documents.id as membership_id,
    documents.membership_type_id,
    coalesce(types.type_name, {{ cleaned('documents.d.membership_type_name') }}) as membership_type,
    {{ normalised_email('documents.d.email') }} as email,
    {{ tt_time('documents.d.issue_date') }} as issued_at,
    {{ tt_time('documents.d.valid_from') }} as valid_from,
    {{ tt_time('documents.d.valid_to') }} as valid_to,
    {{ tt_true('documents.d.is_valid') }} as is_valid,
    {{ tt_time('documents.d.voided_at') }} as voided_at,
    {{ tt_whole('documents.d.redemptions') }} as redemptions,
    {{ tt_whole('documents.d.max_redemptions') }} as most_redemptions,
    documents.missing_since,
    documents.first_seen_at
from documents
left join types on documents.account = types.account and documents.membership_type_id = types.id
