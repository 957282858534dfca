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
        {{ cleaned('doc.firstname') }} as first_name,
        {{ cleaned('doc.lastname') }} as last_name,
        {{ cleaned('doc.email') }} as email,
        {{ cleaned('doc.phone') }} as phone,
        {{ cleaned('doc.mobile') }} as mobile,
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
        case when first_name is null and {{ cleaned('said[3]') }} is not null then 'FirstName' end,
        case when last_name is null and {{ cleaned('said[4]') }} is not null then 'LastName' end,
        case when email is null and {{ cleaned('said[5]') }} is not null then 'Email' end,
        case when phone is null and {{ cleaned('said[6]') }} is not null then 'Phone' end,
        case when mobile is null and {{ cleaned('said[7]') }} is not null then 'Mobile' end,
        case when {{ is_unread_time('said[2]', 'signed_up_at') }} then 'SignupDate' end,
        case when accepts_mailing is null and {{ cleaned('said[8]') }} is not null then 'MailingListPermission' end,
        case when accepts_sms is null and {{ cleaned('said[9]') }} is not null then 'SMSPermission' end
    ) as unreadable,
    _dlt_load_id,
    {{ shape() }} as _shape
from typed
