{#- Intermediate and marts are a function of raw, order by order. So a build works on the orders that new loads touch and on all
    that are linked to them (int_ticketor__touched, int_ticket_tailor__touched), and changes those rows alone:

    - the models of a platform read touched('stg_...'): what they hold after a build is what the build touched;
    - models that are materialized as `touched` hold all orders: the rows of what is touched are replaced. Which rows those are says
      the model's `meta`: `touched_by` are the columns that are looked for among the touched keys (dbt_project.yml has a folder's);
      the rows that come instead are in memory as well, where the rest of the build reads them (replaced_in_build);
    - what a build was made of is noted when all of it has gone well, tests too (note_built). A build that was killed has noted
      nothing, and the next one touches the same orders and more;
    - another text of any model, macro or seed, other accounts, another secret: everything is touched, and built from nothing;
    - orders that a proof names are set aside (set_aside): every model reads the documents of all others. -#}

{% macro built() -%}
    {#- One row per platform and load that all layers were built with, and one for the text they were built by. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='built') }}
{%- endmacro %}


{% macro set_aside() -%}
    {#- One row per order that is missing from the marts because a proof (tests/data/proofs) names it, or because it is linked to one
        that is. warehouse/set_aside.py writes it; each build looks at these orders again. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='set_aside') }}
{%- endmacro %}


{% macro broken_proofs() -%}
    {#- The rows of the proofs that failed in the last build; where none did, the table need not be there. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='broken_proofs') }}
{%- endmacro %}


{% macro unpublished_marts() -%}
    {#- What builds changed since warehouse/publish.py last emptied these two tables, whatever became of them. Here the marts that
        hold all orders: with their `touched_by` and `touched_always` where touched rows were replaced, without where they were
        created. Marts that are created in each build are not here. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='unpublished_marts') }}
{%- endmacro %}


{% macro unpublished_orders() -%}
    {#- The orders that were touched, by mart. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='unpublished_orders') }}
{%- endmacro %}


{% macro published() -%}
    {#- The file that was published last, as warehouse/publish.py knows it again. -#}
    {{ api.Relation.create(database=target.database, schema='intermediate', identifier='published') }}
{%- endmacro %}


{% macro rows_replaced(node) -%}
    {#- The rows that this build puts into a model that grows: a table in memory (profiles.yml). -#}
    {{ return(api.Relation.create(database='replaced', schema='main', identifier=node.alias)) }}
{%- endmacro %}


{% macro replaced_in_build() -%}
    {#- The models whose touched rows this build has replaced: they are in memory, and need not be looked for among all rows. -#}
    {{ return(graph.setdefault('replaced in build ' ~ invocation_id, [])) }}
{%- endmacro %}


{% macro settle_set_aside(platform) -%}
    {#- After a build in which all proofs held: who was not named again is back, who is linked to a named one is noted. -#}
    delete from {{ set_aside() }} where platform = '{{ platform }}' and not is_in_force;
    insert into {{ set_aside() }}
    select '{{ platform }}', account, touched_key, 'linked', 'It shares items or payments with, or refers to, an order that a proof names.', true
    from {{ target.database }}.intermediate.int_{{ platform }}__touched
    where
        is_set_aside
        and (account, touched_key) not in (select (account, order_id) from {{ set_aside() }} where platform = '{{ platform }}')
        {%- if platform == 'ticket_tailor' %}
        -- of an order's own tickets the order is enough
        and touched_key in (select order_id from {{ target.database }}.staging.stg_ticket_tailor__orders)
        {%- endif %}
{%- endmacro %}


{% macro is_any_set_aside(platform) -%}
    {{ return(execute and value_of_build(
        "select count(*) > 0 from " ~ set_aside() ~ " where is_in_force and platform = '" ~ platform ~ "'"
    )) }}
{%- endmacro %}


{% macro ready_to_build() -%}
    {#- Before a build: the table of what is built, and the text of now, which what depends on it is compared with. Written only where
        it is another one: dbt comes here before whatever it does, and what does not build leaves the file as it is. -#}
    {%- set accounts = adapter.get_relation(target.database, 'raw_boxoffice', 'accounts') -%}
    {%- call statement(auto_begin=True) %}
    create schema if not exists intermediate;
    create table if not exists {{ built() }} (platform varchar, part varchar, value varchar);
    create table if not exists {{ set_aside() }} (
        platform varchar, account varchar, order_id varchar, proof varchar, explanation varchar, is_in_force boolean
    );
    create table if not exists {{ unpublished_marts() }} (name varchar, touched_by varchar, touched_always varchar);
    create table if not exists {{ unpublished_orders() }} (name varchar, platform varchar, account varchar, touched_key varchar)
    {% endcall -%}
    {%- set text_of_now -%}
    select sha256(string_agg(said, chr(31) order by said)) as value
    from (
        select content as said
        from read_text([
            {% for files in ['models/**/*.*', 'macros/**/*.sql', 'seeds/*.csv', 'dbt_project.yml'] -%}
                '{{ files }}',
            {%- endfor %}
            '{{ env_var("BOXOFFICE_DATA_DIR", "data") }}/person.ke[y]'
        ])
        {% if accounts -%}
            union all
            select concat_ws(chr(31), platform, account, time_zone) as said from {{ accounts }}
        {%- endif %}
    ) as texts
    {%- endset -%}
    {%- if execute -%}
        {%- set text = run_query(text_of_now).rows[0][0] -%}
        {%- set noted = run_query("select value from " ~ built() ~ " where part = 'text of now'") -%}
        {%- if noted.columns[0].values() | list != [text] -%}
            {%- call statement(auto_begin=True) %}
            delete from {{ built() }} where part = 'text of now';
            insert into {{ built() }} values ('', 'text of now', '{{ text }}')
            {% endcall -%}
        {%- endif -%}
        {%- do adapt_to_size(text) -%}
    {%- endif -%}
    {%- do adapter.commit() -%}
{%- endmacro %}


{% macro first_value(query) -%}
    {#- The first value of a query's answer. -#}
    {{ return(run_query(query).rows[0][0]) }}
{%- endmacro %}


{% macro value_of_build(query) -%}
    {#- The first value of the answer to a query that is the same all through a build: asked once. The graph is the one object that
        all models of a build share. -#}
    {%- set values = graph.setdefault('values of build ' ~ invocation_id, {}) -%}
    {%- if query not in values -%}
        {%- do values.update({query: first_value(query)}) -%}
    {%- endif -%}
    {{ return(values[query]) }}
{%- endmacro %}


{% macro is_noted(part, platform) -%}
    {#- Whether something is noted of a platform: `open`, or `text` as it is now. -#}
    {%- set is_noted = "select count(*) > 0 from " ~ built() ~ " where part = '" ~ part ~ "'" -%}
    {%- if platform -%}
        {%- set is_noted = is_noted ~ " and platform = '" ~ platform ~ "'" -%}
    {%- endif -%}
    {%- if part == 'text' -%}
        {%- set is_noted = is_noted ~ " and value = (select value from " ~ built() ~ " where part = 'text of now')" -%}
    {%- endif -%}
    {{ return(value_of_build(is_noted)) }}
{%- endmacro %}


{% macro grows(node) -%}
    {#- Whether a model holds more than what the last build touched. -#}
    {{ return(node.resource_type == 'model' and node.config.materialized in ['touched', 'upserted'] and node.fqn[1] != 'staging') }}
{%- endmacro %}


{% macro staged(platform) -%}
    {#- The staging models whose loads are noted. -#}
    {{ return({
        'ticketor': ['invoices', 'tickets', 'product_sales', 'payments', 'users'],
        'ticket_tailor': ['orders', 'order_line_items', 'order_tickets', 'issued_tickets', 'check_ins', 'discounts', 'events', 'vouchers'],
    }[platform]) }}
{%- endmacro %}


{% macro built_loads(platform) -%}
    (select value from {{ built() }} where platform = '{{ platform }}' and part = 'load')
{%- endmacro %}


{% macro new_loads(platform) -%}
    {#- The loads that are not built yet, by name: so it is known before anything is read how little is asked for. -#}
    {%- set loads = run_query(
        "(" ~ staged_loads(platform) ~ ") except " ~ built_loads(platform)
    ) if execute -%}
    {{ return("('" ~ ((loads.columns[0].values() if loads else []) | join("', '")) ~ "')") }}
{%- endmacro %}


{% macro closes_have_changed() -%}
    {#- Whether a month was closed or reopened since the journal was built. -#}
    {%- set loads = "select coalesce(string_agg(_dlt_load_id, ' ' order by _dlt_load_id), '') from " -%}
    {{ return(value_of_build(
        "select (" ~ loads ~ node_of('stg_closes__closes').relation_name ~ ") <> (" ~ loads
        ~ "(select value as _dlt_load_id from " ~ built() ~ " where platform = 'closes'))"
    )) }}
{%- endmacro %}


{% macro reads_closes(node) -%}
    {{ return(node_of('stg_closes__lines').unique_id in node.depends_on.nodes) }}
{%- endmacro %}


{% macro must_start_over(platform) -%}
    {#- Whether what there is cannot be grown: it was built by another text, or of loads that are no longer there, or a part of it
        is missing. -#}
    {%- if flags.FULL_REFRESH or not is_noted('text', platform) -%}
        {{ return(true) }}
    {%- endif -%}
    {%- for node in graph.nodes.values() if grows(node) -%}
        {%- if not adapter.get_relation(node.database, node.schema, node.alias) -%}
            {{ return(true) }}
        {%- endif -%}
    {%- endfor -%}
    {#- A load may leave staging because all of its rows came again in later ones, which then touch them. -#}
    {%- set loads = target.database ~ '.raw_' ~ platform ~ '._dlt_loads' -%}
    {%- set is_of_dlt = first_value("select count(*) > 0 from duckdb_tables() where schema_name = 'raw_" ~ platform ~ "' and table_name = '_dlt_loads'") -%}
    {{ return(first_value(
        "select count(*) > 0 from " ~ built_loads(platform) ~ " as built where value not in (" ~ staged_loads(platform) ~ ")"
        ~ (" and value not in (select load_id from " ~ loads ~ ")" if is_of_dlt else "")
    )) }}
{%- endmacro %}


{% macro staged_loads(platform) -%}
    {%- for name in staged(platform) -%}
        select _dlt_load_id from {{ target.database }}.staging.stg_{{ platform }}__{{ name }}
        {{ 'union ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{% macro open_build(platform) -%}
    {#- From here on, and until note_built, tests look at what is touched and not at everything. -#}
    insert into {{ built() }} values ('{{ platform }}', 'open', null)
{%- endmacro %}


{% macro note_built(results) -%}
    {#- After a build: what it was made of, if all that depends on a platform was built and tested, and nothing failed. What another
        text built is only made good by a build of everything. -#}
    {%- set done, failed = [], [] -%}
    {%- for result in results -%}
        {%- do (done if result.status | string in ['success', 'pass', 'warn', 'no-op'] else failed).append(result.node.unique_id) -%}
    {%- endfor -%}
    {%- for platform, other in [('ticketor', 'ticket_tailor'), ('ticket_tailor', 'ticketor')] if execute and not failed -%}
        {%- set is_by_this_text = is_noted('text', platform) -%}
        {%- set needed = [] -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
            {#- what depends on the accounts alone is built when they change, and then everything is; exports of payments are apart -#}
            {%- set is_of_accounts = 'boxoffice' in node.fqn[1:] or node.depends_on.nodes == [node_of('stg_boxoffice__accounts').unique_id] -%}
            {%- set is_of_closes = node.depends_on.nodes == [node_of('stg_closes__closes').unique_id] -%}
            {#- a view holds nothing; and no order depends on what is tagged `lists`: it is built when one of its lists has news (run/run.py) -#}
            {%- set is_apart = is_of_closes or node.config.materialized == 'view' or 'lists' in node.tags or 'payouts' in node.fqn -%}
            {%- if not (is_by_this_text and (other in node.fqn or is_of_accounts or is_apart)) -%}
                {%- do needed.append(node.unique_id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- for node in graph.nodes.values() if node.resource_type in ['seed', 'test'] -%}
            {%- if not is_by_this_text or node.depends_on.nodes | select('in', needed) | list -%}
                {%- do needed.append(node.unique_id) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if not needed | reject('in', done) | list -%}
            {%- call statement(auto_begin=True) %}
            delete from {{ built() }} where platform = '{{ platform }}';
            insert into {{ built() }}
            select '{{ platform }}', 'load', _dlt_load_id from ({{ staged_loads(platform) }})
            union all
            select '{{ platform }}', 'text', value from {{ built() }} where part = 'text of now';
            {{ settle_set_aside(platform) }};
            -- a later build may leave this platform out: then nothing of it is touched
            delete from {{ target.database }}.intermediate.int_{{ platform }}__touched
            {% endcall -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute and not failed and node_of('fct_journal').unique_id in done and closes_have_changed() -%}
        {%- call statement(auto_begin=True) %}
        delete from {{ built() }} where platform = 'closes';
        insert into {{ built() }} select 'closes', 'load', _dlt_load_id from {{ node_of('stg_closes__closes').relation_name }}
        {% endcall -%}
    {%- endif -%}
    {{- keep_broken_proofs(results) -}}
    {%- do adapter.commit() -%}
{%- endmacro %}


{% macro keep_broken_proofs(results) -%}
    {#- What the proofs that failed name is kept for warehouse/set_aside.py: they read rows that are in memory as long as the build. -#}
    {%- set broken = [] -%}
    {%- for result in results if result.status | string == 'fail' and 'proofs' in result.node.fqn -%}
        {%- do broken.append(result.node.compiled_code) -%}
    {%- endfor -%}
    {%- if broken -%}
        {%- call statement(auto_begin=True) %}
        create or replace table {{ broken_proofs() }} as
        select proof, platform, account, order_id, explanation
        from ({{ broken | join(') union all from (') }})
        {% endcall -%}
    {%- endif -%}
{%- endmacro %}


{% macro node_of(name) -%}
    {{ return(graph.nodes['model.' ~ project_name ~ '.' ~ name]) }}
{%- endmacro %}


{% macro platform_of(node) -%}
    {#- The platform whose folder a model is in; none for what is of both. -#}
    {{ return(node.fqn[2] if node.fqn[2] in ['ticketor', 'ticket_tailor'] else none) }}
{%- endmacro %}


{% macro keys_of(node) -%}
    {#- The model that says which orders are touched. -#}
    {{ return('int_' ~ platform_of(node) ~ '__touched' if platform_of(node) else 'int_touched') }}
{%- endmacro %}


{% macro is_touched(node, which='') -%}
    {#- The condition on the rows of a model, by its `touched_by`; `which` narrows the touched ones. -#}
    {%- set meta = node.config.meta -%}
    {#- what says how an event is now is of no order -#}
    {{ meta.touched_always ~ ' or ' if meta.touched_always }}({{ meta.touched_by }}) in (
        select {{ 'platform, ' if not platform_of(node) }}account, touched_key
        from {{ node_of(keys_of(node)).relation_name }}
        {{ which }}
    )
{%- endmacro %}


{% macro everything_is_touched(node) -%}
    {%- if not execute -%}
        {{ return(true) }}
    {%- endif -%}
    {{ return(value_of_build(
        'select coalesce(bool_and(everything), false) from ' ~ node_of(keys_of(node)).relation_name
    )) }}
{%- endmacro %}


{% macro is_made_whole() -%}
    {#- Whether the model at hand is made of everything. A mart may be whenever a person asks for it: all that it reads is whole. -#}
    {{ return(
        everything_is_touched(model)
        or (
            grows(model) and not platform_of(model)
            and (flags.FULL_REFRESH or not load_cached_relation(this) or (reads_closes(model) and closes_have_changed()))
        )
    ) }}
{%- endmacro %}


{% macro touched(name) -%}
    {#- ref(name), as far as its rows are touched; in a test, all of it, but for the build that touches them. Orders are left out where
        their documents are read, in staging; every later layer lacks them by itself. -#}
    {%- if model.resource_type == 'unit_test' -%}
        {{ ref(name) }}
    {%- else -%}
        {%- set read = [ref(name), ref(keys_of(model))] -%}
        {%- if not execute -%}
            {{ read[0] }}
        {%- else -%}
            {%- set node = node_of(name) -%}
            {%- set is_staging = node.fqn[1] == 'staging' -%}
            {%- if (is_made_whole() if model.resource_type == 'model' else everything_is_touched(node) or not is_noted('open')) -%}
                {%- if is_staging and is_any_set_aside(node.fqn[2]) -%}
                    (select * from {{ read[0] }} where ({{ is_touched(node, 'where is_set_aside') }}) is not true)
                {%- else -%}
                    {{ read[0] }}
                {%- endif -%}
            {%- elif name in replaced_in_build() -%}
                {{ rows_replaced(node) }}
            {%- else -%}
                {#- looked for by their keys alone and then read by their place: of a wide table that costs a third -#}
                (select * from {{ read[0] }} where rowid in (
                    select rowid from {{ read[0] }} where {{ is_touched(node, 'where not is_set_aside' if is_staging else '') }}
                ))
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}


{% macro kept() -%}
    {#- For a CTE of what is touched that is read more than once. Of all rows DuckDB would keep a copy, with all columns that any reader
        asks for; few rows are looked for once and kept. -#}
    {{- 'not materialized' if model.resource_type == 'unit_test' or is_made_whole() else 'materialized' -}}
{%- endmacro %}


{% macro of_both(name) -%}
    {#- All rows of what both platforms' intermediate models of this name hold. -#}
    (
        select * from {{ ref('int_ticketor__' ~ name) }}
        union all by name
        select * from {{ ref('int_ticket_tailor__' ~ name) }}
    )
{%- endmacro %}


{% macro touched_of_both(name) -%}
    {#- Where one platform starts over and the build leaves the other out, the marts are made of all rows of both. -#}
    {%- if execute and model.resource_type != 'unit_test' and everything_is_touched(node_of('int_touched')) -%}
        {{ of_both(name) }}
    {%- else -%}
        (
            select * from {{ touched('int_ticketor__' ~ name) }}
            union all by name
            select * from {{ touched('int_ticket_tailor__' ~ name) }}
        )
    {%- endif -%}
{%- endmacro %}


{% macro rows_to_prove(model) -%}
    {#- All rows of a model; of one that grows order by order, those that this build touched. -#}
    {%- set node = graph.nodes.get('model.' ~ project_name ~ '.' ~ model) if execute -%}
    {%- if not execute or (node and grows(node) and node.config.materialized == 'touched') -%}
        {{ return(touched(model)) }}
    {%- endif -%}
    {{ return(ref(model)) }}
{%- endmacro %}
