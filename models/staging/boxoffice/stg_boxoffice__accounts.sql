-- One row per account of the settings.
{{ config(materialized='table') }}

select
    platform,
    account,
    {{ cleaned('time_zone') }} as time_zone,
    configured_at
from {{ source('boxoffice', 'accounts') }}
