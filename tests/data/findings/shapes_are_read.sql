-- What is in a document is in its column: the documents of the newest load are read by path, past the shape that a
-- model declares. A row here is a value, and in how many documents it was not found: many are a shape that we misread.
{% set looks = {
    'stg_ticket_tailor__check_ins': ('check_ins', none, {
        'ticket_id': '$.issued_ticket_id',
        'check_in_at': '$.check_in_at',
        'quantity': '$.quantity',
    }),
    'stg_ticket_tailor__events': ('events', none, {
        'event_name': '$.name',
        'status': '$.status',
        'starts_at': '$.start',
        'ends_at': '$.end',
        'time_zone': '$.timezone',
        'currency': '$.currency',
        'revenue': '$.revenue',
        'total_orders': '$.total_orders',
        'total_issued_tickets': '$.total_issued_tickets',
        'venue': '$.venue.name',
    }),
    'stg_ticket_tailor__issued_tickets': ('issued_tickets', none, {
        'order_id': '$.order_id',
        'email': '$.email',
        'reservation': '$.reservation',
        'event_id': '$.event_id',
        'ticket_type_id': '$.ticket_type_id',
        'status': '$.status',
        'voided_at': '$.voided_at',
        'source': '$.source',
        'listed_price': '$.listed_price',
        'listed_currency': '$.listed_currency.code',
        'created_at': '$.created_at',
        'checked_in': '$.checked_in',
        'description': '$.description',
    }),
    'stg_ticket_tailor__order_line_items': ('orders', 'line_no', {
        'line_item_id': '$.line_items[0].id',
        'line_type': '$.line_items[0].type',
        'item_id': '$.line_items[0].item_id',
        'quantity': '$.line_items[0].quantity',
        'unit_value': '$.line_items[0].value',
        'total': '$.line_items[0].total',
        'booking_fee': '$.line_items[0].booking_fee',
    }),
    'stg_ticket_tailor__order_tickets': ('orders', 'ticket_no', {
        'event_id': '$.issued_tickets[0].event_id',
        'ticket_type_id': '$.issued_tickets[0].ticket_type_id',
        'status': '$.issued_tickets[0].status',
        'voided_at': '$.issued_tickets[0].voided_at',
        'source': '$.issued_tickets[0].source',
        'listed_price': '$.issued_tickets[0].listed_price',
        'listed_currency': '$.issued_tickets[0].listed_currency.code',
        'created_at': '$.issued_tickets[0].created_at',
        'checked_in': '$.issued_tickets[0].checked_in',
        'description': '$.issued_tickets[0].description',
    }),
    'stg_ticket_tailor__orders': ('orders', none, {
        'status': '$.status',
        'total': '$.total',
        'total_paid': '$.total_paid',
        'tax': '$.tax',
        'tax_treatment': '$.tax_treatment',
        'refund_amount': '$.refund_amount',
        'credited_out_amount': '$.credited_out_amount',
        'refunded_voucher_id': '$.refunded_voucher_id',
        'currency': '$.currency',
        'event_id': '$.event_summary.id',
        'event_starts_at': '$.event_summary.start_date',
        'buyer_email': '$.buyer_details.email',
        'payment_type': '$.payment_method.type',
        'referral_tag': '$.referral_tag',
        'marketing_opt_in': '$.marketing_opt_in',
        'tickets_count': '$.issued_tickets',
    }),
    'stg_ticket_tailor__products': ('products', none, {
        'product_name': '$.name',
        'price': '$.price',
        'currency': '$.currency',
        'status': '$.status',
    }),
    'stg_ticket_tailor__vouchers': ('vouchers', none, {
        'voucher_type': '$.type',
        'voucher_name': '$.name',
    }),
} %}
{% for model, (list, element, values) in looks.items() %}
    select
        '{{ model }}' as model,
        value,
        count(*) as how_many
    from (
        select
            unnest([
                {% for column in values %}
                    case when read.{{ column }} is null and raw.has[{{ loop.index }}] then '{{ column }}' end
                    {{- ',' if not loop.last }}
                {% endfor %}
            ]) as value
        from (
            -- of each document once, and before the join, which need not hold documents then
            select
                version_id,
                list_transform(
                    json_extract_string(document, {{ values.values() | list }}), lambda said: said <> ''
                ) as has
            from {{ source('raw_ticket_tailor', list) }}
            where
                _dlt_load_id
                = (select max(newest._dlt_load_id) from {{ source('raw_ticket_tailor', list) }} as newest)
        ) as raw
        left join {{ ref(model) }} as read
            on raw.version_id = read.version_id{% if element %} and read.{{ element }} = 1{% endif %}

    )
    where value is not null
    group by value
    {{ 'union all' if not loop.last }}
{% endfor %}
