-- People are in dim_customers and nowhere else in the marts: looked for by what they are called, not by column names.
-- A row here is a column that holds a person's e-mail address, phone number or name.
--
-- Addresses are looked for anywhere in a text; phones (seven digits at least) and whole names (two words) as whole
-- texts. Ids are not compared with phones: both are digits and may be equal by chance. What names a thing may name a
-- person who buys: an evening with somebody is no leak, nor is a promoter's tag.
--
-- It warns: whoever sells may write a person's name into any field. That no model puts people where none belong is
-- tested with made-up venues, which do not.
{{ config(fail_calc='coalesce(max(how_many), 0)') }}

{% set marts = mart_names() | reject('in', ['dim_customers', 'dim_dates']) | list %}
{% set names_of_things = [
    'event_name', 'show_name', 'production', 'season', 'product_name', 'venue', 'referral', 'promotion_code',
] %}
{% set addresses %}
case
    when contains(said, '@')
        then list_transform(
            regexp_extract_all(lower(said), '[^\s<>()\[\],;:"'']+@[^\s<>()\[\],;:"'']+'), lambda address: rtrim(address, '.')
        )
    else []
end
{% endset %}
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

-- every text of every mart, and the addresses within it; keys apart, which are hashes
texts as (
    {% for mart in marts %}
        {% set columns = text_columns(mart) %}
        select
            '{{ mart }}' as mart,
            column_name,
            unnest([lower(trim(said))] || {{ addresses }}) as said
        from (
            unpivot (select {{ columns }} from {{ rows_to_prove(mart) if mart.startswith('fct_') else ref(mart) }})
            on {{ columns }}
            into name column_name value said
        )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

found as (
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
)

select
    mart,
    column_name,
    what,
    count(distinct called) as how_many
from found
group by mart, column_name, what
