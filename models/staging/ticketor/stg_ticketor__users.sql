-- Grain: one row per New User record.
{{ config(unique_key='record_id') }}

with documents as (
    select
        record_id,
        site,
        webhook,
        received_at,
        file,
        position,
        document,
        _dlt_load_id
    from {{ source('raw_ticketor', 'records') }}
    where outcome = 'loaded'
        and webhook = 'user'
        {{ only_new_loads(source('raw_ticketor', 'records')) }}
),

read as (
    select
        * exclude (document),
        from_json(document, '{
            "Id": "BIGINT", "SignupDate": "VARCHAR",
            "FirstName": "VARCHAR", "LastName": "VARCHAR", "Email": "VARCHAR", "Phone": "VARCHAR", "Mobile": "VARCHAR",
            "MailingListPermission": "VARCHAR", "SMSPermission": "VARCHAR"
        }') as doc,
        json_extract_string(document, [
            '$.Id', '$.SignupDate', '$.FirstName', '$.LastName', '$.Email', '$.Phone', '$.Mobile',
            '$.MailingListPermission', '$.SMSPermission'
        ]) as said
    from documents
),

typed as (
    select
        *,
        cast(doc.id as varchar) as user_id,
        {{ utc('doc.signupdate') }} as signed_up_at,
        nullif(trim(doc.firstname), '') as first_name,
        nullif(trim(doc.lastname), '') as last_name,
        nullif(trim(doc.email), '') as email,
        nullif(trim(doc.phone), '') as phone,
        nullif(trim(doc.mobile), '') as mobile,
        try_cast(doc.mailinglistpermission as boolean) as accepts_mailing,
        try_cast(doc.smspermission as boolean) as accepts_sms
    from read
)

select
    record_id,
    site as account,
    webhook,
    received_at,
    file,
    position,
    user_id,
    signed_up_at,
    first_name,
    last_name,
    email,
    phone,
    mobile,
    accepts_mailing,
    accepts_sms,
    -- Which values stood in the document and have no value here; tests look at it
    concat_ws(
        ' ',
        case when said[1] <> '' and user_id is null then 'Id' end,
        case when trim(said[3]) <> '' and first_name is null then 'FirstName' end,
        case when trim(said[4]) <> '' and last_name is null then 'LastName' end,
        case when trim(said[5]) <> '' and email is null then 'Email' end,
        case when trim(said[6]) <> '' and phone is null then 'Phone' end,
        case when trim(said[7]) <> '' and mobile is null then 'Mobile' end
    ) as lost_values,
    concat_ws(
        ' ',
        case when trim(said[2]) <> '' and said[2] not like '0001-%' and signed_up_at is null then 'SignupDate' end,
        case when trim(said[8]) <> '' and accepts_mailing is null then 'MailingListPermission' end,
        case when trim(said[9]) <> '' and accepts_sms is null then 'SMSPermission' end
    ) as unread_values,
    _dlt_load_id,
    {{ shape() }} as _shape
from typed
