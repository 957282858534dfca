"""Every kind of Ticketor sale the venue knows, and the order in which the first 60 show them.

Those that take time come first, so that even the smallest world shows how they end.
"""

from sandbox import ticketor_aftermath, ticketor_invoiced, ticketor_sales
from sandbox.catalogue import DAY

CASES = {**ticketor_aftermath.case, **ticketor_sales.case}
KNOWN = {**CASES, **ticketor_invoiced.case}  # with those that a world has only where it is asked for
_CHANGING = """
    unpaid_then_paid scanned return return_with_fee return_to_credit
    partial_return exchange return_of_unknown_sale resold same_payment_fails_then_works
    authorised_then_captured late_invoice redelivered plain_after_details return_then_replay
    refund_on_sale refund_only return_unrelated return_told_plainly void_invoice unpaid
    product_return jpy_return kwd_return plain_only gift_card_sold
"""
_STAYING = """
    tickets partly_paid failed_then_paid voided_payment
    orphan_ticket late_user tickets_with_charge charge_unsaid tickets_and_product
    donation plain_alone membership paid_by_gift_card paid_by_store_credit
    split discount discount_uneven charge_on_invoice charge_on_both
    tip tax product_tax ad_fee anonymous
    agent tax_refunded jpy_discount comp kwd_discount
    general_admission return_promised free_event unexplained discount_beyond_goods
"""
WHEEL = tuple((_CHANGING + _STAYING).split())
ORDINARY = (
    "tickets",
    "tickets",
    "tickets",
    "tickets_with_charge",
    "tickets_and_product",
    "discount",
    "agent",
    "donation",
)
GIVEN_BACK_WHOLE = ("tickets", "tickets_with_charge", "agent")  # when their event is called off
NOT_SCANNED = {"orphan_ticket", "plain_alone", "partly_paid"}
SCANNED = {*ticketor_sales.case, *ticketor_invoiced.case} - NOT_SCANNED
# seconds: nothing is sent about a sale later than this
LONGEST = max(case.days for case in KNOWN.values()) * DAY + DAY
