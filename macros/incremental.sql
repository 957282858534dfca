{% macro shape() -%}
    {#- The model's own text, hashed: rows made by an older text are made again (see only_new_loads). -#}
    '{{ local_md5(model.raw_code) }}'
{%- endmacro %}


{% macro only_new_loads() -%}
    {#- The loads this table does not hold yet, in this shape. An anti-join and not a maximum: a load may finish after a later one. -#}
    {% if is_incremental() -%}
        and _dlt_load_id not in (select held._dlt_load_id from {{ this }} as held where held._shape = {{ shape() }})
    {%- endif %}
{%- endmacro %}


{% macro drop_other_shapes() -%}
    {#- After the model's text has changed, every document was read again; what the old text alone made goes. -#}
    {% if is_incremental() -%}
        delete from {{ this }} where _shape <> {{ shape() }}
    {%- endif %}
{%- endmacro %}
