{% macro minor_units_of(amount, currency) -%}
    {#- How many minor units of the currency an amount is, as a whole number; in ten thousandths where the currency's own decimals
        cannot hold the amount. With `multiplier_of`, so that `from_minor_units` finds the way back. -#}
    {{ ten_thousandths(amount) }} // (10000 // {{ multiplier_of(amount, currency) }})
{%- endmacro %}


{% macro goods_of_line() -%}
    {#- What a product's line costs, by its quantity and its price. -#}
    {{ money(wide('coalesce(products.quantity, 0)') ~ ' * coalesce(products.unit_price, 0) - coalesce(products.discount, 0)') }}
{%- endmacro %}


{% macro multiplier_of(amount, currency) -%}
    case when {{ ten_thousandths(amount) }} % {{ smallest_unit(currency) }} = 0 then 10000 // {{ smallest_unit(currency) }} else 10000 end
{%- endmacro %}


{% macro ticketor_reading(rest) -%}
    {#- What an invoice's total holds beyond its goods, read as the first of these sums that it is; NULL when it is none of them.
        Even readings add the invoice's own service charge, those from 5 on the tax that only its products name; 1, 2, 5 and 6 take
        the discount off. -#}
    case {{ rest }}
        when -discount then 1
        when charge - discount then 2
        when 0 then 3
        when charge then 4
        when product_tax - discount then 5
        when product_tax + charge - discount then 6
        when product_tax then 7
        when product_tax + charge then 8
    end
{%- endmacro %}


{% macro name_without_date(name, starts_at) -%}
    {#- What is left of an event's name without the date that Ticketor writes behind it, as in "Great Concert- Sunday May 31, 2020 at
        08:00 PM". In any language: behind the last dash are a time and the day and year of the start, in a zone a day away at most.
        Without a known start only Ticketor's own form is cut. A date that is not the event's own belongs to its title. -#}
    {%- set behind_dash = "regexp_extract(" ~ name ~ ", '^(.*\\S)\\s*[-–—]\\s+(\\S.*)$', ['title', 'date'])" -%}
    {%- set numbers = "list_transform(regexp_extract_all(" ~ behind_dash ~ ".date, '\\d+'), lambda digits: try_cast(digits as bigint))" -%}
    case
        when
            regexp_matches({{ behind_dash }}.date, '\d{1,2}[:.h]\d{2}(\D|$)')
            and case
                when {{ starts_at }} is null
                    then regexp_matches({{ behind_dash }}.date, '^\w+day \w+ \d{1,2}, \d{4} at \d{1,2}:\d{2} [AP]M$')
                else
                    {%- for days in [-1, 0, 1] %}
                    {{ 'or ' if not loop.first }}list_has_all(
                        {{ numbers }},
                        [year({{ starts_at }} + to_days({{ days }})), day({{ starts_at }} + to_days({{ days }}))]
                    )
                    {%- endfor %}
            end
            then {{ behind_dash }}.title
        else {{ name }}
    end
{%- endmacro %}


{% macro ticketor_fee() -%}
    {#- The sum of the parts of an invoice's fee; NULL where it has none of them. -#}
    case
        when
            coalesce(platform_fee, ticket_protection_fee, ad_fee, payment_processing_fee, platform_delivery_fee)
            is not null
            then
                coalesce(platform_fee, 0) + coalesce(ticket_protection_fee, 0) + coalesce(ad_fee, 0)
                + coalesce(payment_processing_fee, 0) + coalesce(platform_delivery_fee, 0)
    end
{%- endmacro %}


{% macro distinct_deliveries(name, whole=false) -%}
    {#- The touched rows of a staging model, or with `whole` all of them, without messages that were delivered before
        (int_ticketor__repeats). An item without an Id has the id under which its invoice lists it. -#}
    {%- if model.resource_type == 'unit_test' -%}
        {{ ref(name) }}
    {%- else -%}
        {%- set id = {
            'stg_ticketor__tickets': 'ticket_id', 'stg_ticketor__product_sales': 'product_sale_id',
            'stg_ticketor__payments': 'payment_id',
        }.get(name) -%}
        (
            select delivered.* {% if id %}replace (coalesce(repeats.item_id, delivered.{{ id }}) as {{ id }}){% endif %}
            from {{ ref(name) if whole else touched(name) }} as delivered
            {% if id -%}
            left join {{ ref('int_ticketor__repeats') }} as repeats
                on delivered.record_id = repeats.record_id and delivered.{{ id }} = repeats.given_id
            {%- endif %}
            where {{ is_first_delivery('delivered.') }}
        )
    {%- endif -%}
{%- endmacro %}


{% macro is_first_delivery(of='') -%}
    {#- The condition on rows of a record: that its message was not delivered before. -#}
    {%- if model.resource_type == 'unit_test' -%}
        true
    {%- else -%}
        {{ of }}record_id not in (
            select repeated.record_id from {{ ref('int_ticketor__repeats') }} as repeated where repeated.given_id is null
        )
    {%- endif -%}
{%- endmacro %}


{% macro items_read(webhook, list, fields, numbers) -%}
    {#- One row per item of a record of this webhook, or of the list in an invoice with details: `doc` has its fields. An empty list
        keeps its record. `said` has the text of `numbers` where one of them could not be read; other fields are read
        as text, and need none. Items whose Id is 0, which is none, are counted in `place_without_id`. The document does not go
        along with its items: of a long list, each would carry all others. -#}
    {%- set unread -%}
        {%- for number in numbers %}doc.{{ number | lower }} is null{{ ' or ' if not loop.last }}{% endfor -%}
    {%- endset -%}
    select
        * exclude (text, without_id),
        case
            when doc is not null and ({{ unread }}) then json_extract_string(text, ['$.{{ numbers | join("', '$.") }}'])
        end as said,
        case when doc.id = 0 then list_position(without_id, item_position) end as place_without_id
    from (
        select
            * exclude (parent, items, texts),
            parent.id as parent_id,
            unnest(items) as doc,
            unnest(texts) as text,
            generate_subscripts(items, 1) as item_position
        from (
            select
                * exclude (document),
                case
                    when len(list_filter(items, lambda doc: {{ unread }})) > 0
                        then if(webhook = '{{ webhook }}', [document::json], json_extract(document, '$.{{ list }}[*]'))
                end as texts,
                case
                    when list_contains(list_transform(items, lambda doc: doc.id), 0)
                        then list_filter(range(1, len(items) + 1), lambda place: items[place].id = 0)
                end as without_id
            from (
                select
                    *,
                    coalesce(
                        nullif(
                            if(webhook = '{{ webhook }}', [from_json(document, '{{ fields }}')], parent.{{ list | lower }}), []
                        ),
                        [null]
                    ) as items
                from (
                    select
                        record_id,
                        site,
                        webhook,
                        received_at,
                        file,
                        position,
                        document,
                        _dlt_load_id,
                        case
                            when webhook <> '{{ webhook }}'
                                then from_json(document, '{"Id": "BIGINT", "{{ list }}": [{{ fields }}]}')
                        end as parent
                    from {{ source('raw_ticketor', 'records') }}
                    where outcome = 'loaded'
                        and webhook in ('{{ webhook }}', 'invoice_with_details')
                        {{ only_new_loads(source('raw_ticketor', 'records')) }}
                )
            )
        )
    )
{%- endmacro %}


{% macro item_id() -%}
    {#- An item's Id; of one whose Id is 0, which is none: its invoice and its place among such items in the list, and in another
        message, a hash of what it looks like. -#}
    case
        when likeness is null then cast(doc.id as varchar)
        when coalesce(nullif(doc.invoiceid, 0), parent_id) = parent_id then parent_id || ':' || place_without_id
        else coalesce(cast(nullif(doc.invoiceid, 0) as varchar), '') || ':0-' || left(likeness, 12)
    end
{%- endmacro %}


{% macro likeness(parts) -%}
    {#- Of an item whose Id is 0: a hash of what distinguishes it from others of its invoice. NULL where there is an Id. -#}
    case
        when doc.id = 0
            then md5(concat_ws(chr(31){% for part in parts %}, coalesce(cast({{ part }} as varchar), ''){% endfor %}))
    end
{%- endmacro %}


{% macro people_in_new_loads() -%}
    {#- The people named by loads that are not built yet. -#}
    {%- set loads = new_loads('ticketor') -%}
    {%- for model, id in [
        ('users', 'user_id'), ('invoices', 'buyer_id'), ('invoices', 'agent_id'), ('tickets', 'buyer_id'),
        ('product_sales', 'buyer_id'), ('payments', 'buyer_id'),
    ] %}
    select
        account,
        {{ id }} as customer_id
    from {{ ref('stg_ticketor__' ~ model) }}
    where {{ id }} is not null and _dlt_load_id in {{ loads }}
    {{ 'union' if not loop.last }}
    {%- endfor %}
{%- endmacro %}


{% macro events_of_returns() -%}
    {#- The event that a return has to do with: that of all tickets that it lists, or where it lists none, that of its sale. -#}
    select
        returns.account,
        returns.invoice_id,
        case
            when given_back.return_id is null then sales.event_id
            when given_back.event_id = given_back.other_event_id then given_back.event_id
        end as event_id
    from {{ ref('int_ticketor__invoices') }} as returns
    left join {{ ref('int_ticketor__invoice_terms') }} as sales
        on returns.account = sales.account and returns.related_invoice_id = sales.invoice_id
    left join (
        select
            account,
            return_id,
            min(event_id) as event_id,
            max(event_id) as other_event_id
        from {{ ref('int_ticketor__returned_items') }}
        where event_id is not null
        group by account, return_id
    ) as given_back
        on returns.account = given_back.account and returns.invoice_id = given_back.return_id
    where returns.is_return
{%- endmacro %}


{% macro newest_receipts(where='') -%}
    {#- One row per account: when anything of it was received last. It is the account's own clock: a rebuild reads the same time. -#}
    select
        account,
        max(received_at) as received_at
    from (
        {% for model in staged('ticketor') -%}
        select
            account,
            received_at
        from {{ ref('stg_ticketor__' ~ model) }}
        {{ where }}
        {{ 'union all' if not loop.last }}
        {% endfor -%}
    )
    group by account
{%- endmacro %}


{% macro credit_is_certain(received_at, newest) -%}
    {#- A return that lists no payment has given credit, unless its refund is still on its way: no platform's message says which. A
        refund that comes later than this turns the credit into money. -#}
    {{ newest }} >= {{ received_at }} + interval 7 day
{%- endmacro %}
