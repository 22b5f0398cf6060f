"""What CloudWatch makes of logs, metrics and alarms, as far as the template uses them.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import ast
import json
import operator
import re
from collections import defaultdict
from fnmatch import fnmatchcase

STATISTICS = {"Sum": sum, "Maximum": max}
COMPARISONS = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
}
OPERATORS = {ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Lt: operator.lt, ast.LtE: operator.le}


def name(reference):
    """A reference of the template by the name that it refers to."""
    match reference:
        case {"Ref": found}:
            return found
        case {"Fn::GetAtt": [found, _]}:
            return found
        case {"Fn::Sub": "Cartwright/${AWS::StackName}"}:
            return "Cartwright"
    return reference


def key(metric):
    """A metric by namespace, name and what it is about."""
    about = [name(dimension["Value"]) for dimension in metric.get("Dimensions", [])]
    return (name(metric["Namespace"]), metric["MetricName"], *about)


class Recording:
    """What a stack wrote: points of metrics by the minute, and what its filters and formats make of log lines."""

    def __init__(self, stack, hours):
        self.minutes = hours * 60
        self.points = defaultdict(lambda: defaultdict(list))
        self.filters = [
            body["Properties"] for body in stack["Resources"].values() if body["Type"] == "AWS::Logs::MetricFilter"
        ]

    def put(self, minute, metric, value=1):
        self.points[metric][minute].append(value)

    def log(self, minute, group, line):
        """A line of a log group: filters count it, and it may bring metrics of its own."""
        written = json.loads(line)
        for filter_ in self.filters:
            if name(filter_["LogGroupName"]) != group:
                continue
            for made in filter_["MetricTransformations"]:
                fits = matches(filter_["FilterPattern"], written)
                value = made["MetricValue"] if fits else made.get("DefaultValue")
                if value is not None:
                    self.put(minute, (name(made["MetricNamespace"]), made["MetricName"]), float(value))
        for directive in written.get("_aws", {}).get("CloudWatchMetrics", []):
            assert directive["Dimensions"] == [[]]
            for metric in directive["Metrics"]:
                self.put(minute, (directive["Namespace"], metric["Name"]), written[metric["Name"]])

    def series(self, metric, statistic, period):
        """One value for each period, `None` where there is no data."""
        points, values = self.points.get(metric, {}), []
        for start in range(0, self.minutes * 60, period):
            minutes = range(start // 60, (start + period) // 60)
            found = [value for minute in minutes for value in points.get(minute, [])]
            values.append(STATISTICS[statistic](found) if found else None)
        return values


def matches(pattern, line):
    """Whether a line fits a pattern of one comparison. Text equals quoted text, in which an asterisk stands for any end, and
    only numbers are more or less."""
    field, comparison, value = re.fullmatch(r'\{ \$\.(\w+) (=|>=) ("\w+\*?"|\d+) \}', pattern).groups()
    found = line.get(field)
    if value.startswith('"'):
        assert comparison == "="
        return isinstance(found, str) and fnmatchcase(found, value.strip('"'))
    if isinstance(found, bool) or not isinstance(found, int | float):
        return False
    return found == int(value) if comparison == "=" else found >= int(value)


def computed(expression, series, fills_nothing):
    """The series that an expression of these series makes.

    The documents leave open what FILL makes of a metric that has never been written: `fills_nothing` takes it for
    nothing, else for a series of the filler. The template must mean the same by both.
    """
    length = len(next(iter(series.values())))

    def of(node):
        match node:
            case ast.Name(found):
                return series[found]
            case ast.Constant(value):
                return [value] * length
            case ast.Call(ast.Name("FILL"), [inner, ast.Constant(filler)]):
                values = of(inner)
                if fills_nothing and all(value is None for value in values):
                    return values
                return [filler if value is None else value for value in values]
            case ast.Call(ast.Name("SUM"), [ast.List(elements)]):
                rows = zip(*(of(element) for element in elements), strict=True)
                return [sum(present) if (present := [v for v in row if v is not None]) else None for row in rows]
            case ast.Call(ast.Name("IF"), [condition, then, otherwise]):
                rows = zip(of(condition), of(then), of(otherwise), strict=True)
                return [None if held is None else (yes if held else no) for held, yes, no in rows]
            case ast.Compare(left, [comparison], [right]):
                rows = zip(of(left), of(right), strict=True)
                compare = OPERATORS[type(comparison)]
                return [None if None in row else int(compare(*row)) for row in rows]
        raise AssertionError(f"not known here: {ast.unparse(node)}")

    return of(ast.parse(expression, mode="eval").body)


def values(alarm, recording, fills_nothing):
    """The values that an alarm looks at, one for each period."""
    if "Metrics" not in alarm:
        return recording.series(key(alarm), alarm["Statistic"], alarm["Period"])
    stats = {metric["Id"]: metric["MetricStat"] for metric in alarm["Metrics"] if "MetricStat" in metric}
    assert len({stat["Period"] for stat in stats.values()}) == 1
    series = {id_: recording.series(key(stat["Metric"]), stat["Stat"], stat["Period"]) for id_, stat in stats.items()}
    (returned,) = [metric for metric in alarm["Metrics"] if metric["ReturnData"]]
    return computed(returned["Expression"], series, fills_nothing)


def states(alarm, recording, fills_nothing=False):
    """Whether an alarm rings, at the end of each of its periods."""
    found = values(alarm, recording, fills_nothing)
    missing = {"notBreaching": False, "breaching": True}[alarm["TreatMissingData"]]
    compare = COMPARISONS[alarm["ComparisonOperator"]]
    breaching = [missing if value is None else compare(value, alarm["Threshold"]) for value in found]
    wanted = alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"])
    windows = (breaching[max(0, end - alarm["EvaluationPeriods"]) : end] for end in range(1, len(breaching) + 1))
    return [sum(window) >= wanted for window in windows]
