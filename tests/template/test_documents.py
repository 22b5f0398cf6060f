"""What the documents say twice is the same, what they compute is right, and what they have typed runs in other shells too."""

import re

import pytest
from conftest import ROOT

DOCUMENTS = {path.name: path.read_text() for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""")


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_block_can_be_pasted_into_zsh_which_macos_has(name):
    """There a remark is no remark, a `?` or `*` without quotes must fit a file, and the end of a pipe is the shell itself.

    Source: https://zsh.sourceforge.io/Doc/Release/Options.html (INTERACTIVE_COMMENTS, NOMATCH)
    """
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", DOCUMENTS[name], re.M | re.S):
        bare = QUOTED.sub("", block)
        assert not re.search(r"(^|\s)#|[?*\[\]]", bare), block
        assert "exit" not in re.sub(r"\(.*\)", "", bare, flags=re.S), block
        assert not re.search(r"\b(sha256sum|md5sum|readlink -f|sed -i )", block), block


def test_readme_has_the_sums_of_the_costs():
    costs, readme = DOCUMENTS["costs.md"], " ".join(DOCUMENTS["README.md"].split())
    idle, without = re.search(r"^\| \*\*sum\*\* \| \*\*([\d.]+)\*\*; ([\d.]+) in an account", costs, re.M).groups()
    (purchases,) = re.findall(r"^\| \*\*sum\*\* \| \| \*\*0\.(\d\d)\*\* \|$", costs, re.M)
    (events,) = re.findall(r"^\| events \| 0; with `EventPipes=RUNNING` ([\d.]+), for one more alarm: see below \|$", costs, re.M)

    assert f"An idle shop costs {idle} dollars" in readme
    assert f"Without them it costs {without} dollars" in readme
    assert f"With `EventPipes=RUNNING` they add {events} dollars, for one more alarm" in readme
    assert f"A thousand purchases cost about {int(purchases)} cents" in readme


def test_the_idle_shops_sum_is_that_of_its_rows():
    section = DOCUMENTS["costs.md"].split("## An idle shop")[1].split("## ")[0]
    (sync,) = re.findall(r"^\| sync, hourly: .* \| ([\d.]+) \|$", section, re.M)
    (alarms, free_alarms), (dashboard,) = (
        re.search(r"^\| \w+ alarms .* \| ([\d.]+); .*, so ([\d.]+) \|$", section, re.M).groups(),
        re.search(r"^\| the dashboard \| ([\d.]+);", section, re.M).groups(),
    )

    with_free, without = round(float(sync) + float(free_alarms), 2), round(float(sync) + float(alarms) + float(dashboard), 2)

    assert f"| **sum** | **{with_free:.2f}**; {without:.2f} in an account" in section


@pytest.mark.parametrize(("name", "least"), [("costs.md", 2), ("scaling.md", 8)])
def test_what_is_computed_is_right(name, least):
    """Sums of numbers, perhaps of seconds, and not of ranges (`0.13 to 0.31`)."""
    number = r"\(*\d[\d,.]*(?: s)?\)*"
    found = re.findall(rf"(?<!to )(?<![\d.])({number}(?: [×+−] {number})+) = (\d[\d.,]*\d|\d)", DOCUMENTS[name].replace("\n", " "))
    assert len(found) >= least, found

    for computation, result in found:
        python = computation.replace(",", "").replace(" s", "").replace("×", "*").replace("−", "-")
        places = len(result.partition(".")[2])
        assert f"{eval(python):,.{places}f}" == result, computation  # noqa: S307, only digits and operators


def test_the_load_of_a_growing_shop_follows_from_its_requests():
    guide = " ".join(DOCUMENTS["scaling.md"].split())
    shows, changes, *of_stripe = map(int, re.search(
        r"of 100 requests (\d+) show the cart, (\d+) change it, (\d) is a checkout, (\d) a webhook and (\d) a landing page", guide
    ).groups())  # fmt: skip
    asking = sum(of_stripe)
    assert shows + changes + asking == 100

    for rate in (1_000, 10_000):
        others, stripes = rate * (100 - asking) // 100, rate * asking // 100
        assert f"{others:,} × 0.02 + {stripes:,} × 1 = {others * 0.02 + stripes:.0f}" in guide
    writes = 10 * changes + 10 + 10 * (14 + 2)
    assert f"{10 * changes} + 10 + 10 × (14 + 2) = {writes} writes" in guide and f"{10 * writes:,} writes" in guide
    # Each look and change reads up to three prices, half a unit each, as costs.md says.
    least = 10 * shows + 10 * 2.5 + 3 * 10
    most = least + 10 * (shows + changes) * 1.5
    assert f"{round(least, -2):,.0f} to {round(most, -2):,.0f} reads" in guide
    assert f"{round(least * 10, -3):,.0f} to {round(most * 10, -3):,.0f} reads" in guide
