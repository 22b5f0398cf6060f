"""The alarms of template.yaml on what stacks write: each rings when it should, is over afterwards, and else is quiet."""

import json
import re

import pytest
from cloudwatch import Recording, key, matches, states
from conftest import ROOT

WEBHOOK = "StripeWebhook"
HOUR = 60


def functions_line(status, **counted):
    """A line of a function's log, as the guide shows it, with what was counted."""
    guide = (ROOT / "docs" / "operate.md").read_text()
    line = json.loads(re.search(r'^\{"timestamp".*\}$', guide, re.M)[0])
    assert isinstance(line["status"], int)
    if counted:
        metrics = [{"Name": metric, "Unit": "Count"} for metric in counted]
        directive = {"Namespace": "Cartwright", "Dimensions": [[]], "Metrics": metrics}
        line |= counted | {"_aws": {"Timestamp": 0, "CloudWatchMetrics": [directive]}}
    return json.dumps(line | {"status": status})


class Shop(Recording):
    """A shop with a visitor a minute, an order an hour and a sync an hour, for two days."""

    def __init__(self, stack):
        super().__init__(stack, hours=48)
        (stage,) = [
            body["Properties"]
            for body in stack["Resources"].values()
            if body["Type"] == "AWS::ApiGatewayV2::Stage"
        ]
        self.access_log = stage["AccessLogSettings"]["Format"]

    def answered(self, minute, status, times=1):
        """Answers of the API, to whatever route."""
        self.put(minute, ("AWS/ApiGateway", "5xx", "Api"), times if status >= 500 else 0)
        for _ in range(times):
            line = self.access_log.replace("$context.status", str(status))
            self.log(minute, "ApiLogs", re.sub(r"\$context\.\w+", "x", line))

    def webhook(self, minute, status=200, crashes=False, **counted):
        self.put(minute, ("AWS/Lambda", "Invocations", WEBHOOK))
        self.put(minute, ("AWS/Lambda", "Errors", WEBHOOK), int(crashes))
        if not crashes:
            self.log(minute, "StripeWebhookLogs", functions_line(status, **counted))
        self.answered(minute, 500 if crashes else status)

    def checkout(self, minute, **counted):
        self.log(minute, "CheckoutLogs", functions_line(200, SessionsCreated=1, **counted))
        self.answered(minute, 200)

    def sync(self, minute, **counted):
        self.put(minute, ("AWS/Lambda", "Invocations", "Sync"))
        self.log(minute, "SyncLogs", functions_line(200, **counted))

    def lives(self, webhooks=range(48), syncs=range(48), checkouts=range(48), **left_out):
        """Has the events of ordinary hours happen in these hours."""
        for minute in range(self.minutes):
            self.answered(minute, 200)
        for hour in checkouts:
            self.checkout(hour * HOUR + 9, **left_out)
        for hour in webhooks:
            self.webhook(hour * HOUR + 10, Orders=1)
            self.webhook(hour * HOUR + 11)
        for hour in syncs:
            self.sync(hour * HOUR)
        return self


def an_ordinary_day(shop):
    """With what is no reason to wake anybody up."""
    shop.lives()
    shop.answered(100, 500, times=2)
    shop.answered(200, 429, times=5)
    shop.put(200, ("AWS/Lambda", "Throttles"))
    shop.webhook(300, 400, SignatureRefused=1)
    shop.webhook(315, 400, SignatureRefused=1)
    shop.checkout(400, SettingLeftOut=2)


def the_night_of_a_small_shop(shop):
    """Nobody buys, and somebody tries the webhook."""
    shop.lives(webhooks=[], checkouts=[])
    shop.webhook(300, 400, SignatureRefused=1)


def the_api_fails(shop):
    shop.lives()
    for minute in range(600, 630):
        shop.answered(minute, 503)


def the_webhook_crashes(shop):
    """And its log filter has never counted anything."""
    shop.lives()
    shop.webhook(600, crashes=True)


def the_webhook_is_answered_5xx(shop):
    shop.lives()
    shop.webhook(600, 503)


def another_endpoints_secret_is_stored(shop):
    """For five hours Stripe sends each event, and sends it once more, and a scanner comes by."""
    shop.lives(webhooks=[hour for hour in range(48) if not 10 <= hour < 15])
    for minute in range(10 * HOUR, 15 * HOUR, 25):
        shop.webhook(minute, 400, SignatureRefused=1)
    for minute in range(10 * HOUR, 15 * HOUR, 20):
        shop.webhook(minute, 400)


def another_endpoints_secret_is_stored_from_the_first_day(shop):
    """No event was ever taken."""
    shop.lives(webhooks=[])
    for minute in range(10 * HOUR, 15 * HOUR, 25):
        shop.webhook(minute, 400, SignatureRefused=1)


def no_secret_is_stored_yet(shop):
    shop.lives(webhooks=range(3, 48))
    for minute in (20, 60, 130):
        shop.webhook(minute, 503, WebhookSecretUnusable=1)


def more_requests_come_than_the_api_takes(shop):
    shop.lives()
    for minute in range(600, 610):
        shop.answered(minute, 429, times=50)


def the_account_has_no_executions_left(shop):
    shop.lives()
    for minute in range(600, 610):
        shop.put(minute, ("AWS/Lambda", "Throttles"), 20)


def a_cart_is_paid_twice(shop):
    shop.lives()
    shop.webhook(600, Orders=1, DoubtfulOrders=1)


def a_rate_is_archived(shop):
    """The only one: every session lacks it, and what is paid is paid without shipping."""
    shop.lives(checkouts=[hour for hour in range(48) if not 10 <= hour < 30])
    for hour in range(10, 30):
        shop.checkout(hour * HOUR + 9, SettingLeftOut=1)
    shop.webhook(900, Orders=1, NoShipping=1)


def subscriptions_do_without_the_shops_rates(shop):
    """Half of what the shop sells."""
    shop.lives()
    for hour in range(48):
        shop.checkout(hour * HOUR + 30, SettingLeftOut=1)


def webhooks_do_not_arrive(shop):
    shop.lives(webhooks=range(20, 48))
    for hour in range(1, 20):
        shop.sync(hour * HOUR + 1, Orders=1, OrderMissed=1)


def a_sync_fails(shop):
    shop.lives()
    for minute in range(600, 900):
        shop.put(minute, ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "SyncFailures"))
    shop.put(900, ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "SyncFailures"), 0)


def nothing_runs_the_sync(shop):
    """From the second hour on, for a day and a half."""
    shop.lives(syncs=[0, 1, *range(40, 48)])


def events_cannot_be_told(shop):
    shop.lives()
    for minute in range(600, 900):
        shop.put(minute, ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "EventFailures"))


CASES = {
    an_ordinary_day: set(),
    the_night_of_a_small_shop: set(),
    subscriptions_do_without_the_shops_rates: set(),
    the_api_fails: {"ApiFailing"},
    the_webhook_crashes: {"WebhookFailing"},
    the_webhook_is_answered_5xx: {"WebhookFailing"},
    another_endpoints_secret_is_stored: {"SignatureRefused"},
    another_endpoints_secret_is_stored_from_the_first_day: {"SignatureRefused"},
    no_secret_is_stored_yet: {"WebhookSecretUnusable", "WebhookFailing"},
    more_requests_come_than_the_api_takes: {"Throttled"},
    the_account_has_no_executions_left: {"Throttled"},
    a_cart_is_paid_twice: {"OrderDoubtful"},
    a_rate_is_archived: {"SettingLeftOut", "NoShipping"},
    webhooks_do_not_arrive: {"OrderMissed"},
    a_sync_fails: {"SyncFailing"},
    nothing_runs_the_sync: {"SyncStopped"},
    events_cannot_be_told: {"EventsFailing"},
}


@pytest.fixture(scope="session")
def alarms(stack):
    return {
        name: body["Properties"]
        for name, body in stack["Resources"].items()
        if body["Type"] == "AWS::CloudWatch::Alarm"
    }


@pytest.mark.parametrize("fills_nothing", [False, True])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_what_should_ring_rings_until_it_is_over_and_nothing_else_does(stack, alarms, case, fills_nothing):
    shop = Shop(stack)
    case(shop)

    rang = {name: states(alarm, shop, fills_nothing) for name, alarm in alarms.items()}

    assert {name for name, times in rang.items() if any(times)} == CASES[case]
    for name in CASES[case]:
        # It begins, is over once, and does not flutter.
        first, last = rang[name].index(True), len(rang[name]) - 1 - rang[name][::-1].index(True)
        assert not rang[name][-1], f"{name} rings for ever"
        if name not in ("WebhookFailing", "WebhookSecretUnusable", "OrderMissed"):
            assert all(rang[name][first : last + 1]), f"{name} flutters"


def test_every_alarm_has_a_case_in_which_it_rings(alarms):
    assert set().union(*CASES.values()) == set(alarms)


def test_every_alarm_looks_at_metrics_that_somebody_writes(stack, alarms):
    """A misspelt name would be a metric without data, and an alarm that never rings."""
    names = set(re.findall(r'=> "(\w+)",', (ROOT / "shared/tally/src/lib.rs").read_text()))
    filtered = {
        made["MetricName"]
        for body in stack["Resources"].values()
        if body["Type"] == "AWS::Logs::MetricFilter"
        for made in body["Properties"]["MetricTransformations"]
    }
    # Sources: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    of_aws = {
        ("AWS/Lambda", "Errors"), ("AWS/Lambda", "Invocations"), ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5xx"), ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
    }  # fmt: skip
    for alarm in alarms.values():
        stats = [metric["MetricStat"]["Metric"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
        for metric in stats or [alarm]:
            namespace, found, *_ = key(metric)
            assert found in names | filtered if namespace == "Cartwright" else (namespace, found) in of_aws


def test_an_alarm_looks_back_no_longer_than_cloudwatch_does(alarms):
    """Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    for alarm in alarms.values():
        stats = [metric["MetricStat"] for metric in alarm.get("Metrics", []) if "MetricStat" in metric]
        for period in [stat["Period"] for stat in stats] or [alarm["Period"]]:
            assert period % 60 == 0
            assert period * alarm["EvaluationPeriods"] <= 24 * 60 * 60


@pytest.mark.parametrize(
    ("pattern", "line", "fits"),
    [
        ("{ $.status >= 500 }", {"status": 503}, True),
        ("{ $.status >= 500 }", {"status": 499}, False),
        ("{ $.status >= 500 }", {"status": "503"}, False),
        ("{ $.status >= 500 }", {}, False),
        ("{ $.status = 200 }", {"status": 200}, True),
        ("{ $.status = 200 }", {"status": 201}, False),
        ("{ $.status = 200 }", {"status": "200"}, False),
        ('{ $.status = "429" }', {"status": "429"}, True),
        ('{ $.status = "429" }', {"status": 429}, False),
        ('{ $.status = "429" }', {"status": "42"}, False),
        ('{ $.status = "5*" }', {"status": "503"}, True),
        ('{ $.status = "5*" }', {"status": "405"}, False),
        ('{ $.status = "5*" }', {"status": 503}, False),
    ],
)
def test_a_pattern_tells_numbers_from_text(pattern, line, fits):
    assert matches(pattern, line) == fits
