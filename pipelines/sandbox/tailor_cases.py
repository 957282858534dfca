"""Every kind of Ticket Tailor order the venue knows, and the order in which the first 60 show them.

Those that take time come first, so that even the smallest world shows how they end.
"""

from sandbox import tailor_aftermath, tailor_sales

CASES = {**tailor_aftermath.case, **tailor_sales.case}
_CHANGING = """
    pending_completed refund_two_steps gift_card_sold pending_cancelled refund_full_cancelled
    refund_over_kinds cancelled_unrefunded tax_refunded refund_credit voided
    canceled_refunded refund_credit_unsaid two_types refund_full_completed voided_total_stays
    jpy_refund refund_part_credit tax_inclusive_refunded kwd_refund pending
"""
_STAYING = """
    bundle bundle_and_tickets plain discount_amount discount_uneven
    voucher voucher_covers product donation transaction_charge
    tax_line tax_without_line voucher_promotional tax_inclusive fee_inside
    fee_on_top fee_per_line two_types free_event comp
    comp_with_fee jpy discount_amount jpy_discount kwd
    kwd_bundle mixed three_for_ten store_only membership
    old_shape staff plain paypal three_for_ten
    mixed bundle plain donation discount_uneven
"""
WHEEL = tuple((_CHANGING + _STAYING).split())
ORDINARY = ("plain", "plain", "plain", "two_types", "transaction_charge", "fee_inside", "donation", "discount_amount")
