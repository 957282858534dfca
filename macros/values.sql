{% macro key(parts) -%}
    {#- A surrogate key: the same in every rebuild, NULL when any part is. The parts are joined by a character that no id holds. -#}
    md5({% for part in parts %}cast({{ part }} as varchar){% if not loop.last %} || chr(31) || {% endif %}{% endfor %})
{%- endmacro %}


{% macro money(expression) -%}
    try_cast({{ expression }} as decimal(18, 4))
{%- endmacro %}


{% macro utc(expression) -%}
    {#- Text to a point in time. Without a zone it is UTC (the session's zone); year 1 is how .NET writes "never". -#}
    case when {{ expression }} not like '0001-%' then try_cast({{ expression }} as timestamptz) end
{%- endmacro %}


{% macro unix_time(expression) -%}
    to_timestamp(try_cast({{ expression }} as bigint))
{%- endmacro %}


{% macro normalised_email(email) -%}
    nullif(lower(trim({{ email }})), '')
{%- endmacro %}


{% macro person_key(email) -%}
    {#- Keyed hash of the normalised e-mail: the same person on both platforms, and nobody can guess an address from it without
        the secret. The secret is read when the query runs, so that it stands in no compiled file and no table. -#}
    sha256(
        (select content from read_text('{{ env_var("BOXOFFICE_DATA_DIR", "data") }}/person.key'))
        || sha256((select content from read_text('{{ env_var("BOXOFFICE_DATA_DIR", "data") }}/person.key')) || {{ normalised_email(email) }})
    )
{%- endmacro %}
