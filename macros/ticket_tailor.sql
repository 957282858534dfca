{#- How Ticket Tailor spells a value. After an edit here run with --full-refresh: only a model's own text makes it read old documents again. -#}
{% macro tt_unix(seconds) -%}
    {#- Unix seconds to TIMESTAMPTZ. NULL for 0, which is how "never" is written, and for what no reader's calendar holds in every
        zone (held_time): from 9999-12-31 on. One number out of range would stop the whole build. -#}
    case when {{ seconds }} between 1 and 253402214399 then to_timestamp({{ seconds }}) end
{%- endmacro %}


{% macro tt_time_text(text) -%}
    {#- Ticket Tailor writes a time as unix seconds, as an object {unix, iso, ...} or as ISO text, differently on every object: the
        seconds or the text of any of them. -#}
    case
        when not starts_with({{ text }}, '{') then {{ text }}
        when json_valid({{ text }}) then coalesce({{ text }} ->> '$.unix', {{ text }} ->> '$.iso')
    end
{%- endmacro %}


{% macro tt_time(text) -%}
    {#- The text of a time to TIMESTAMPTZ; NULL for any other text. -#}
    {%- set said = tt_time_text(text) -%}
    case
        when try_cast({{ said }} as bigint) is not null then {{ tt_unix('try_cast(' ~ said ~ ' as bigint)') }}
        else {{ utc(said) }}
    end
{%- endmacro %}


{% macro tt_currency(code) -%}
    {#- Upper-case ISO code. -#}
    upper({{ cleaned(code) }})
{%- endmacro %}


{% macro tt_multiplier(code, given='null') -%}
    {#- Minor units in one major unit: what the currency object says (if it divides 10000: money has four decimals), else what
        ISO 4217 says of the code. -#}
    coalesce(
        case when 10000 % nullif(try_cast({{ given }} as bigint), 0) = 0 then abs(try_cast({{ given }} as bigint)) end,
        10000 // {{ smallest_unit(tt_currency(code)) }}
    )
{%- endmacro %}


{% macro tt_currencies(orders) -%}
    {#- One row per currency of an account: how many minor units its orders say make one. Events and products do not say it. -#}
    select
        account,
        currency,
        max(base_multiplier) as base_multiplier
    from {{ orders }}
    where currency is not null
    group by account, currency
{%- endmacro %}


{% macro tt_whole(text) -%}
    {#- A whole number, of money in minor units or of pieces. NULL for anything else, a fraction too: rounding would hide it. -#}
    case when try_cast({{ text }} as decimal(18, 4)) = try_cast({{ text }} as bigint) then try_cast({{ text }} as bigint) end
{%- endmacro %}


{% macro tt_unreadable(numbers, times={}) -%}
    {#- The names of those values that are in the document and are not the number or time they should be, comma separated; ''
        when there is none. Such a value is NULL in its column. -#}
    concat_ws(
        ','
        {%- for name, text in numbers.items() %},
        case when nullif({{ text }}, '') is not null and {{ tt_whole(text) }} is null then '{{ name }}' end
        {%- endfor %}
        {%- for name, text in times.items() %},
        case when nullif({{ tt_time_text(text) }}, '') <> '0' and {{ tt_time(text) }} is null then '{{ name }}' end
        {%- endfor %}
    )
{%- endmacro %}


{% macro tt_rest_is_known(rest) -%}
    {#- What an order's total holds beyond its lines is the exclusive tax, or booking fees on top, or both. -#}
    {{ rest }} in (
        tax_to_find, tax_to_find + fee_per_line, tax_to_find + fee_per_piece, fee_per_line, fee_per_piece
    )
{%- endmacro %}


{% macro tt_money_refunded(of) -%}
    {#- What of a version's refund_amount is money: all of it, unless a voucher is named; then what is left of it beside the
        credit. What had been refunded before a voucher was named stays money. -#}
    case
        when not {{ of }}is_refunded_by_voucher then {{ of }}refund_amount
        else greatest(
            case
                when {{ of }}credited_out_amount > 0 then {{ of }}refund_amount - {{ of }}credited_out_amount
                else 0
            end,
            least({{ of }}refund_amount, refunded_before_voucher),
            0
        )
    end
{%- endmacro %}


{% macro linked_to(found) -%}
    {#- Of int_ticket_tailor__touched: the tickets of the orders found, and the orders of the tickets found. A ticket that was
        in two orders links them, and all of their tickets; so do lines with the same id. -#}
    (
        select
            tickets.account,
            tickets.ticket_id as touched_key
        from tickets
        semi join {{ found }} on tickets.account = {{ found }}.account and tickets.order_id = {{ found }}.touched_key
        union all
        select
            tickets.account,
            tickets.order_id as touched_key
        from tickets
        semi join {{ found }} on tickets.account = {{ found }}.account and tickets.ticket_id = {{ found }}.touched_key
        where tickets.order_id is not null
        union all
        select
            others.account,
            others.order_id as touched_key
        from shared_lines as others
        inner join shared_lines as lines
            on others.account = lines.account and others.line_item_id = lines.line_item_id
        semi join {{ found }} on lines.account = {{ found }}.account and lines.order_id = {{ found }}.touched_key
    )
{%- endmacro %}


{% macro tt_newest(list) -%}
    {#- The newest version of each document of a list that no order depends on (source raw_ticket_tailor_lists). -#}
    (
        select
            *,
            min(fetched_at) over (partition by box_office, id) as first_seen_at
        from {{ source('raw_ticket_tailor_lists', list) }}
        qualify row_number() over (partition by box_office, id order by fetched_at desc, version_id desc) = 1
    )
{%- endmacro %}


{% macro tt_true(text) -%}
    {#- Ticket Tailor writes booleans as text, nearly everywhere. -#}
    try_cast({{ text }} as boolean)
{%- endmacro %}


{% macro tt_documents(list, all_loads=false) -%}
    {#- The documents of a list, in the loads that the model at hand does not hold yet (or all): those that were read, and those that
        webhooks brought, as of when these were sent. The same webhook may come several times: its earliest time counts. EVENT.DELETED
        brings none, since reads alone say what is gone. -#}
    {%- set read = source('raw_ticket_tailor', list) -%}
    {%- set webhooks = source('raw_ticket_tailor', 'webhooks') if model.resource_type != 'unit_test' -%}
    {%- set columns = 'version_id, box_office, id, created_at, document, document_hash, _dlt_load_id' -%}
    (
        select
            {{ columns }},
            cast(null as varchar) as webhook_id,
            fetched_at,
            missing_since
        from {{ read }}
        where true {{ only_new_loads(read) if not all_loads }}
        {%- if webhooks and is_there(webhooks) -%}
        {%- set new = only_new_loads(webhooks) | trim if not all_loads else '' %}
        union all
        select
            {{ columns }},
            webhook_id,
            sent_at as fetched_at,
            null as missing_since
        from {{ webhooks }}
        where
            rowid in (
                select arg_min(rowid, row(sent_at, _dlt_load_id, rowid))
                from {{ webhooks }}
                where list = '{{ list }}' and outcome = 'loaded' and not ends_with(upper(event), '.DELETED')
                {%- if new %} and version_id in (select version_id from {{ webhooks }} where true {{ new }}) {%- endif %}
                group by version_id
            )
            {{ new }}
        {%- endif %}
    )
{%- endmacro %}


{% macro tt_has_webhooks(name) -%}
    {#- Whether a staging model has rows that webhooks brought: accounts without them are spared the merge. -#}
    {%- if model.resource_type == 'unit_test' -%}
        {{ return(false) }}
    {%- endif -%}
    {%- set by_webhook = 'select count(*) > 0 from ' ~ ref(name) ~ ' where webhook_id is not null' -%}
    {{ return(not execute or value_of_build(by_webhook)) }}
{%- endmacro %}


{% macro tt_versions(name, key, rows=none) -%}
    {#- The rows of a staging model (of those, the touched), what webhooks brought merged with what was read. -#}
    {%- set rows = rows or touched(name) -%}
    {%- if model.resource_type == 'unit_test' or tt_has_webhooks(name) -%}
        {{ tt_merged(rows, key) }}
    {%- else -%}
        {{ rows }}
    {%- endif -%}
{%- endmacro %}


{% macro tt_merged(versions, key) -%}
    {#- Versions in the order of what is known of time: when a read came (fetched_at), and when a webhook was sent, which is to the
        second and by the platform's clock. So within 5 s of a read the read counts and the webhook does not; a document equal to the
        one before is no version; and what is missing is said by the newest read alone, since a webhook may come three days late. -#}
    (
        select * exclude (hash_before, webhook_before)
        from (
            select
                *,
                lag(document_hash) over seen as hash_before,
                lag(webhook_id) over seen as webhook_before
            from (
                select * replace (
                    last_value(missing_since) over (
                        partition by account, {{ key }}
                        order by webhook_id is null, fetched_at, version_id
                        rows between unbounded preceding and unbounded following
                    ) as missing_since
                )
                from {{ versions }}
                qualify
                    webhook_id is null
                    or count(*) filter (where webhook_id is null) over (
                        partition by account, {{ key }}
                        order by fetched_at range between interval 5 seconds preceding and interval 5 seconds following
                    ) = 0
            )
            -- webhooks of one second by their number (wh_15)
            window seen as (
                partition by account, {{ key }}
                order by fetched_at, length(webhook_id), webhook_id, version_id
            )
        )
        where document_hash is distinct from hash_before or (webhook_id is null and webhook_before is null)
    )
{%- endmacro %}
