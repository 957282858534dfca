-- Grain: one row per identity that fails on an invoice, of those only Ticketor's messages allow to check.
select
    'ticketor' as platform,
    account,
    order_id,
    'payment under two invoices' as identity,
    order_id as left_value,
    invoice_ids as right_value,
    amount_as_given as difference,
    currency,
    'Payment ' || payment_id || ' was told under invoices ' || invoice_ids || '; it is counted once, for ' || order_id || '.' as in_words
from {{ ref('int_ticketor__received_payments') }}
where invoices_seen > 1
