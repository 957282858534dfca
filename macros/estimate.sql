{% macro adapt_to_size(text) -%}
    {#- `text` is the project's as it is now. -#}
    {%- set noted = run_query("select distinct value from " ~ built() ~ " where part = 'text'").columns[0].values() | list -%}
    {%- if noted != [text] or flags.FULL_REFRESH -%}
        {%- do say_that_everything_is_built(text, noted) if flags.WHICH in ['build', 'run'] -%}
    {%- else -%}
        {#- DuckDB tries FSST for half a millisecond a column, however few its rows: the next build of everything uses it -#}
        {%- do run_query("set global disabled_compression_methods = 'fsst'") -%}
    {%- endif -%}
{%- endmacro %}


{% macro say_that_everything_is_built(text, noted) -%}
    {#- Before a build that cannot go on from the last one: why, and roughly how long it takes. Ten seconds for the project and one for
        ten thousand documents is what two cores took with thousands as with millions. -#}
    {%- set documents = first_value(
        "select coalesce(sum(estimated_size), 0)::bigint from duckdb_tables()"
        ~ " where database_name = '" ~ target.database ~ "' and starts_with(schema_name, 'raw_')"
        ~ " and not ends_with(schema_name, '_staging') and not starts_with(table_name, '_dlt')"
    ) -%}
    {%- set seconds = 10 + documents // 10000 -%}
    {%- set why -%}
        {%- if not noted -%} No build has ended yet
        {%- elif noted != [text] -%} The models, the seeds or the accounts are not those of the last build (an update, an edit)
        {%- else -%} A full refresh, or the warehouse was changed outside of a run
        {%- endif -%}
    {%- endset -%}
    {%- do log(
        why ~ ": all tables are made from raw, once. Roughly "
        ~ (seconds ~ " seconds" if seconds < 90 else (seconds / 60) | round | int ~ " minutes")
        ~ " for " ~ "{:,}".format(documents) ~ " documents",
        info=true,
    ) -%}
{%- endmacro %}
