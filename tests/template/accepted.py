"""Checkov's findings that were looked at and accepted: for each check the reason, and the resources it is about."""

FUNCTIONS = [
    "Get", "Add", "Update", "Clear", "Checkout", "StripeWebhook", "FinishOrder", "Order", "AdminOrders",
    "Products", "Sync", "Publish",
]  # fmt: skip

ACCEPTED = {
    "CKV_AWS_115": (
        "Reserved concurrency is taken from the account's quota, which in a new account is too small to give any away; "
        "the API's throttling bounds the functions instead. Those in which a shopper waits for Stripe have a parameter.",
        [name for name in FUNCTIONS if name not in ("Add", "Update", "Checkout", "FinishOrder")],
    ),
    "CKV_AWS_116": (
        "A dead-letter queue serves asynchronous calls only. These functions answer HTTP, or are handed the records of a stream, "
        "whose mappings have a queue; Sync has its queue.",
        [name for name in FUNCTIONS if name != "Sync"],
    ),
    "CKV_AWS_117": (
        "Nothing here lives in a VPC. Inside one, DynamoDB and Stripe would need endpoints and a NAT gateway, which "
        "costs more than the whole shop.",
        FUNCTIONS,
    ),
    "CKV_AWS_173": (
        "No secret is in an environment variable, and Lambda encrypts them at rest with its own key.",
        FUNCTIONS,
    ),
    "CKV_AWS_158": (
        "No secret or personal data is logged, and CloudWatch encrypts at rest with its own key.",
        ["ApiLogs", *(f"{name}Logs" for name in FUNCTIONS)],
    ),
    "CKV_AWS_27": (
        "The queues hold scheduler events, error texts and events that could not be told, encrypted with SQS's own key; checkov "
        "looks for KMS only.",
        ["SyncFailures", "EventFailures"],
    ),
    "CKV_AWS_119": (
        "Orders are encrypted with the AWS managed key, carts and catalogue with DynamoDB's own. A customer managed key "
        "costs more a month than the tables and is one more thing to lose.",
        ["Carts", "Catalog", "OrderIndex", "Orders"],
    ),
    "CKV_AWS_28": (
        "Carts expire within days, the catalogue is a copy that Sync rebuilds, and the index leads to what is in the orders. "
        "Orders are restorable.",
        ["Carts", "Catalog", "OrderIndex"],
    ),
}
