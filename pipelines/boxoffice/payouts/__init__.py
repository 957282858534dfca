"""What payment processors export: Stripe's and PayPal's own CSV files, read and landed in ``raw_payouts``."""
