"""One made-up webhook of each of Ticketor's six, with the fields of its documentation's samples.

The plain invoice's ticket, product and payment come as webhooks of their own, the other invoice's inside it.
"""

from typing import Any

INVOICE_ID, DETAILS_ID, EMAIL = 1001, 1002, "newcomer@boxoffice.example"
_BUYER = {
    "Id": 11,
    "FirstName": "Sample",
    "LastName": "Buyer",
    "Email": "buyer@boxoffice.example",
    "Phone": "1234567890",
}


def _invoice(number: int, total: float) -> dict[str, Any]:
    return {
        "Id": number,
        "Date": "2026-11-03T15:53:48.297Z",
        "InvoiceType": "Sale",
        "RelatedInvoiceId": 0,
        "ReturnStatus": "NotReturned",
        "Amount": {"Total": total, "Currency": "USD", "ServiceCharge": 0, "Tax": 0, "Tip": 0, "Discount": 0},
        "PlatformFee": {"Fee": 0.5, "TicketProtectionFee": 0, "AdFee": 0, "PaymentProcessingFee": 0, "DeliveryFee": 0},
        "Buyer": _BUYER,
        "ProductsCount": 1,
        "TicketsCount": 1,
    }


def _ticket(number: int, invoice: int) -> dict[str, Any]:
    event = {"EventId": 257, "EventName": "A Concert", "EventDate": "2026-12-17T18:01:00Z"}
    return {
        "Id": number,
        "InvoiceId": invoice,
        "Status": "sold",
        "Section": "Balcony",
        "Row": "A",
        "Seat": 242,
        "BuyPrice": 25,
        "SellPrice": 25,
        "ServiceCharge": 0,
        "Barcode": f"2785920{number}",
        "DeliveryMethod": "Direct",
        "Event": event,
        "Buyer": _BUYER,
    }


def _product(number: int, invoice: int) -> dict[str, Any]:
    return {
        "Id": number,
        "InvoiceId": invoice,
        "Product": {"ProductId": 10099, "ProductName": "T Shirt"},
        "Amount": 1,
        "ReturnedAmount": 0,
        "UnitPrice": 5,
        "Discount": 0,
        "Tax": 0,
        "DeliveryFee": 0,
        "OrderStatus": "Completed",
        "Buyer": _BUYER,
    }


def _payment(number: int, invoice: int) -> dict[str, Any]:
    return {
        "Id": number,
        "InvoiceId": invoice,
        "ChargeMethod": "PRIOR_AUTH_CAPTURE",
        "Amount": 30,
        "Currency": "USD",
        "PaymentType": "Visa",
        "Date": "2026-11-03T15:53:50.53Z",
        "Success": True,
        "Buyer": _BUYER,
    }


WEBHOOKS: dict[str, dict[str, Any]] = {
    "user": {
        "Id": 12,
        "SignupDate": "2026-11-03T12:11:58.9951297Z",
        "FirstName": "Sample",
        "LastName": "Newcomer",
        "Email": EMAIL,
        "MailingListPermission": True,
        "SMSPermission": False,
    },
    "invoice": _invoice(INVOICE_ID, 30),
    "invoice-with-details": {
        **_invoice(DETAILS_ID, 30),
        "Tickets": [_ticket(21, DETAILS_ID)],
        "Products": [_product(31, DETAILS_ID)],
        "Payments": [_payment(41, DETAILS_ID)],
    },
    "ticket": _ticket(22, INVOICE_ID),
    "product": _product(32, INVOICE_ID),
    "payment": _payment(42, INVOICE_ID),
}

# A query for each that finds its row in the marts.
ROWS = {
    "user": f"select 1 from dim_customers where email = '{EMAIL}'",
    "invoice": f"select 1 from fct_orders where order_id = '{INVOICE_ID}'",
    "invoice-with-details": f"select 1 from fct_tickets where order_id = '{DETAILS_ID}'",
    "ticket": f"select 1 from fct_tickets where order_id = '{INVOICE_ID}'",
    "product": f"select 1 from fct_product_sales where order_id = '{INVOICE_ID}'",
    "payment": f"select 1 from fct_payments where order_id = '{INVOICE_ID}' and amount = 30",
}
