-- People are in dim_customers and nowhere else in the marts: looked for by what they are called, not by column names.
-- A row here is a column that holds somebody's e-mail address, phone number or name.
--
-- Addresses are looked for anywhere in a text; phones (seven digits at least) and whole names (two words) as whole
-- texts. Ids are not compared with phones: both are digits and may be equal by chance. What names a thing may name a
-- person who buys: an evening with somebody is no leak.
--
-- One or two people in a column warn: a buyer may be called Box Office, and a campaign after the house's own address. A
-- column that holds people holds more of them, and stops the build.
{{ config(fail_calc='coalesce(max(how_many), 0)', warn_if='> 0', error_if='> 2') }}

{% set marts = mart_names() | reject('in', ['dim_customers', 'dim_dates']) | list %}
{% set names_of_things = ['event_name', 'show_name', 'production', 'season', 'product_name', 'venue'] %}
with people as (
    select
        lower(trim(email)) as email,
        lower(trim(phone)) as phone,
        lower(trim(full_name)) as full_name,
        lower(trim(first_name || ' ' || last_name)) as first_and_last
    from {{ ref('dim_customers') }}
),

names as (
    select
        email as called,
        'e-mail' as what
    from people
    where email like '%_@_%'
    union all
    select
        phone as called,
        'phone' as what
    from people
    where length(regexp_replace(phone, '[^0-9]', '', 'g')) >= 7
    union all
    select
        full_name as called,
        'name' as what
    from people
    where full_name like '% %'
    union all
    select
        first_and_last as called,
        'name' as what
    from people
    where first_and_last like '% %'
),

-- every text of every mart; keys apart, which are hashes
texts as not materialized (
    {% for mart in marts %}
        {% set columns = text_columns(mart) %}
        select
            '{{ mart }}' as mart,
            column_name,
            lower(trim(said)) as said
        from (
            unpivot (select {{ columns }} from {{ touched(mart) if mart.startswith('fct_') else ref(mart) }})
            on {{ columns }}
            into name column_name value said
        )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

whole as (
    select
        texts.mart,
        texts.column_name,
        names.what,
        names.called
    from texts
    inner join names on texts.said = names.called
    where
        not (names.what = 'phone' and regexp_matches(texts.column_name, '_id$|_reference$'))
        and not (names.what = 'name' and list_contains({{ names_of_things }}, texts.column_name))
),

addresses as (
    select
        mart,
        column_name,
        unnest(regexp_extract_all(said, '[^\s<>()\[\],;:"'']+@[^\s<>()\[\],;:"'']+')) as address
    from texts
    where said like '%@%'
),

within as (
    select
        addresses.mart,
        addresses.column_name,
        names.what,
        names.called
    from addresses
    inner join names on rtrim(addresses.address, '.') = names.called
),

found as (
    select * from whole
    union all
    select * from within
)

select
    mart,
    column_name,
    what,
    count(distinct called) as how_many
from found
group by mart, column_name, what
