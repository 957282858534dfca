{% macro shape() -%}
    {#- The model's own text, hashed: rows made by an older text are made again (see only_new_loads). -#}
    '{{ local_md5(model.raw_code) }}'
{%- endmacro %}


{% macro only_new_loads(relation) -%}
    {#- The loads this table does not hold yet, in this shape. Not a maximum: a load may finish after a later one. Their rows are
        found first, by the place where they are: documents of other loads are not even read. -#}
    {% if is_incremental() -%}
        {%- set platform = model.name.split('_', 1)[1].split('__')[0] -%}
        {%- set loads = run_query(
            'select distinct _dlt_load_id from ' ~ relation
            ~ ' except select _dlt_load_id from ' ~ this ~ ' where _shape = ' ~ shape()
            ~ (' except select value from ' ~ built_loads(platform) if is_noted('text', platform) else '')
        ).columns[0].values() -%}
        {% if loads -%}
            and rowid in (select rowid from {{ relation }} where _dlt_load_id in ('{{ loads | join("', '") }}'))
        {%- else -%}
            and false
        {%- endif %}
    {%- endif %}
{%- endmacro %}


{% macro drop_other_shapes() -%}
    {#- After the model's text has changed, every document was read again; what the old text alone made goes. -#}
    {% if is_incremental() -%}
        delete from {{ this }} where _shape <> {{ shape() }}
    {%- endif %}
{%- endmacro %}
