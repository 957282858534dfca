-- One row per account of the settings.
{{ config(materialized='whole') }}

select
    platform,
    account,
    {{ cleaned('time_zone') }} as time_zone,
    configured_at
from {{ source('boxoffice', 'accounts') }}
