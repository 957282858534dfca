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

{% set marts = mart_names() | reject('in', mart_views() + ['dim_customers', 'dim_dates']) | list %}
{% set names_of_things = [
    'event_name', 'event_name_as_given', 'show_name', 'production', 'season', 'product_name', 'venue', 'referral',
    'promotion_code', 'promoter', 'account_name', 'voucher_name', 'membership_type',
] %}
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

-- every text of every mart that can be any of these: an address has an @, a name a space, a phone its digits; keys
-- apart, which are hashes
texts as (
    {% for mart in marts %}
        {% set columns = text_columns(mart).split(', ') %}
        select
            '{{ mart }}' as mart,
            column_name,
            said
        from (
            unpivot (
                -- asked of columns, whose values repeat, and not of every value by itself
                select
                {% for column in columns %}
                        {% set name = column.strip('"') %}
                        {% set may_be_phone = not (name.endswith('_id') or name.endswith('_reference')) %}
                        case
                            when
                                contains({{ column }}, '@')
                                or contains({{ column }}, ' ')
                                {% if may_be_phone %}
                                    or (length({{ column }}) >= 7 and regexp_matches({{ column }}, '[0-9]'))
                                {% endif %}
                                then {{ column }}
                        end as {{ column }}{{ ',' if not loop.last }}
                {% endfor %}
                from {{ rows_to_prove(mart) }}
            )
            on {{ columns | join(', ') }}
            into name column_name value said
        )
        {% if not loop.last %}union all{% endif %}
    {% endfor %}
),

-- each as a whole, and the addresses within it
compared as (
    select
        mart,
        column_name,
        lower(trim(said)) as said
    from texts
    union all
    select
        mart,
        column_name,
        rtrim(
            unnest(regexp_extract_all(lower(said), '[^\s<>()\[\],;:"'']+@[^\s<>()\[\],;:"'']+')), '.'
        ) as said
    from texts
    where contains(said, '@')
),

found as (
    select
        compared.mart,
        compared.column_name,
        names.what,
        names.called
    from compared
    inner join names on compared.said = names.called
    where
        not (names.what = 'phone' and regexp_matches(compared.column_name, '_id$|_reference$'))
        and not (names.what = 'name' and list_contains({{ names_of_things }}, compared.column_name))
)

select
    mart,
    column_name,
    what,
    count(distinct called) as how_many
from found
group by mart, column_name, what
