-- People are in dim_customers and nowhere else in the marts: looked for by what they are called, not by column names.
-- A row here is a column that holds somebody's e-mail address, phone number or name.
--
-- Addresses are looked for anywhere in a text, phones (seven digits at least) and whole names (two words) as whole texts.
-- Ids are not compared with phones: both are digits and may be equal by chance. What names a thing may name a person who
-- buys: an evening with somebody is no leak.
{% set about_people = ['dim_customers', 'dim_dates'] %}
{% set names_of_things = ['event_name', 'show_name', 'production', 'product_name', 'venue', 'season'] %}
with people as (
    select distinct
        lower(trim(email)) as email,
        trim(phone) as phone,
        lower(trim(full_name)) as full_name,
        lower(trim(first_name || ' ' || last_name)) as first_and_last
    from {{ ref('dim_customers') }}
),

emails as (
    select email as value
    from people
    where email like '%_@_%'
),

phones as (
    select phone as value
    from people
    where length(regexp_replace(phone, '[^0-9]', '', 'g')) >= 7
),

names as (
    select full_name as value
    from people
    where full_name like '% %'
    union
    select first_and_last
    from people
    where first_and_last like '% %'
),

found as (
    select
        null as mart,
        null as column_name,
        null as looks_like,
        null as how_many
    where false
    {% for mart in mart_names() if mart not in about_people %}
        {% set relation = ref(mart) %}
        {% if execute %}
            {% for column in adapter.get_columns_in_relation(relation) if column.is_string() and not column.name.endswith('_key') %}
                union all
                select
                    '{{ mart }}',
                    '{{ column.name }}',
                    'e-mail',
                    count(*)
                from {{ relation }}
                where
                    "{{ column.name }}" like '%@%'
                    and exists (
                        select 1
                        from (
                            select unnest(regexp_extract_all(lower("{{ column.name }}"), '[^\s<>()\[\],;:"'']+@[^\s<>()\[\],;:"'']+')) as part
                        ) as parts
                        inner join emails on rtrim(parts.part, '.') = emails.value
                    )
                {% if not column.name.endswith('_id') and column.name != 'processor_reference' %}
                    union all
                    select
                        '{{ mart }}',
                        '{{ column.name }}',
                        'phone',
                        count(*)
                    from {{ relation }}
                    where trim("{{ column.name }}") in (select phones.value from phones)
                {% endif %}
                {% if column.name not in names_of_things %}
                    union all
                    select
                        '{{ mart }}',
                        '{{ column.name }}',
                        'name',
                        count(*)
                    from {{ relation }}
                    where lower(trim("{{ column.name }}")) in (select names.value from names)
                {% endif %}
            {% endfor %}
        {% endif %}
    {% endfor %}
)

select *
from found
where how_many > 0
