{% macro key(parts) -%}
    {#- A surrogate key: the same in every rebuild, NULL when any part is. The parts are joined by a character that no id holds, with
        concat: `||` makes a text for each part. -#}
    case
        when {% for part in parts %}{{ part }} is not null{{ ' and ' if not loop.last }}{% endfor %}
            then md5(concat({% for part in parts %}cast({{ part }} as varchar){{ ', chr(31), ' if not loop.last }}{% endfor %}))
    end
{%- endmacro %}


{% macro money(expression) -%}
    {#- An amount as it is published; one of more than 14 digits before the point is NULL. -#}
    try_cast({{ expression }} as decimal(18, 4))
{%- endmacro %}


{% macro wide(amount) -%}
    {#- An amount to calculate with. DuckDB keeps what it makes of two DECIMAL(18, 4) in 18 digits, and an error stops the build
        where they do not suffice: from 10 digits before the point on for a product. Sums are wide by themselves. -#}
    cast({{ amount }} as decimal(38, 4))
{%- endmacro %}


{% macro ten_thousandths(amount) -%}
    cast({{ wide(amount) }} * 10000 as hugeint)
{%- endmacro %}


{% macro cleaned(text) -%}
    {#- Text without the blanks round it, NULL where nothing else is left: spaces of every width, tabs, line ends, and what is not
        seen at all, such as U+200B, U+FEFF and the marks of direction that phones copy along. trim() takes spaces alone. -#}
    nullif(regexp_replace({{ text }}, '^[\p{Z}\p{Cc}\p{Cf}]+|[\p{Z}\p{Cc}\p{Cf}]+$', '', 'g'), '')
{%- endmacro %}


{% macro held_time(at) -%}
    {#- A point in time, NULL where a reader may not hold it: Python's and Arrow's calendars have the years 1 to 9999. No zone was
        ever 16 hours from UTC (the widest are local mean times: Manila -15:56, Metlakatla +15:02), so a day at the end is enough for
        every zone; of the beginning the whole year 1 goes, which is how .NET writes "never". -#}
    case
        when {{ at }} >= timestamptz '0002-01-01 00:00:00+00' and {{ at }} < timestamptz '9999-12-31 00:00:00+00' then {{ at }}
    end
{%- endmacro %}


{% macro utc(expression) -%}
    {#- Text to a point in time. Without a zone it is UTC (the session's zone). -#}
    {{ held_time('try_cast(' ~ expression ~ ' as timestamptz)') }}
{%- endmacro %}


{% macro is_unread_time(text, at) -%}
    {#- Whether a time is there and cannot be read; .NET's "never" of the year 1 says that there is none. -#}
    {{ at }} is null and {{ cleaned(text) }} not like '0001-%'
{%- endmacro %}


{% macro normalised_email(email) -%}
    lower({{ cleaned(email) }})
{%- endmacro %}


{% macro person_key(email) -%}
    {#- Keyed hash of the normalised e-mail: the same person on both platforms, and no one can guess an address from it without
        the secret. The secret is read when the query runs, so that it is in no compiled file and no table. -#}
    sha256(
        (select content from read_text('{{ env_var("BOXOFFICE_DATA_DIR", "data") }}/person.key'))
        || sha256((select content from read_text('{{ env_var("BOXOFFICE_DATA_DIR", "data") }}/person.key')) || {{ normalised_email(email) }})
    )
{%- endmacro %}


{% macro is_there(table) -%}
    {#- Whether there is a table of raw that an earlier release did not make, or that only some have, and anything in it. Not by dbt's
        cache of relations: while one thread fills it for a schema, another finds a part of it. -#}
    {%- set tables = "select count(*) > 0 from duckdb_tables() where schema_name = '" ~ table.schema ~ "' and table_name = '" -%}
    {{ return(
        execute
        and value_of_build(tables ~ table.identifier ~ "'")
        and value_of_build('select count(*) > 0 from (from ' ~ table ~ ' limit 1)')
    ) }}
{%- endmacro %}
