"""docs/gradual.patch: template.yaml with an alias for each function, which a release takes over bit by bit."""

import json
import re
import shutil
import subprocess

import pytest
from cloudwatch import states
from conftest import ROOT, translated
from samcli.yamlhelper import yaml_dump
from samtranslator.yaml_helper import yaml_parse
from test_alarms import Shop
from test_template import resources, run, tool


GUIDE = (ROOT / "docs" / "pipeline.md").read_text()


@pytest.fixture(scope="module")
def gradual(patched):
    return translated(yaml_parse(patched.read_text()))


def numbered(folder, template):
    """What `sam build` makes of the template, with a number by the command of the guide."""
    (command,) = re.findall(r"^sed -i.*$", GUIDE, re.M)
    built = folder / ".aws-sam" / "build" / "template.yaml"
    built.parent.mkdir(parents=True)
    built.write_text(yaml_dump(yaml_parse(template)))
    subprocess.run(["bash", "-euc", command], cwd=folder, check=True)
    return yaml_parse(built.read_text())


def test_the_linters_find_no_fault_in_it_and_no_resource_waits_for_itself(patched, gradual, tmp_path):
    file = tmp_path / "stack.json"
    file.write_text(json.dumps(gradual))

    for command in ([tool("sam"), "validate", "--lint", "--template", str(patched)], [tool("cfn-lint"), "--", str(file)]):
        code, output = run(*command)
        assert code == 0, output


def test_whatever_calls_a_function_calls_the_alias_that_a_release_takes_over(stack, gradual):
    functions = set(resources(gradual, "AWS::Lambda::Function"))
    aliases = resources(gradual, "AWS::Lambda::Alias")
    groups = resources(gradual, "AWS::CodeDeploy::DeploymentGroup")

    assert set(aliases) == {f"{name}Aliaslive" for name in functions}
    assert set(groups) == {f"{name}DeploymentGroup" for name in functions}
    for name in functions:
        policy = gradual["Resources"][f"{name}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        assert policy["DeploymentGroupName"] == {"Ref": f"{name}DeploymentGroup"}
    for group in groups.values():
        assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": {"Ref": "ReleaseFailing"}}]}
        assert group["ServiceRoleArn"] == {"Fn::GetAtt": ["ReleaseRole", "Arn"]}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
    for permission in resources(gradual, "AWS::Lambda::Permission").values():
        assert permission["FunctionName"]["Ref"] in aliases
    (api,) = resources(gradual, "AWS::ApiGatewayV2::Api").values()
    called = re.findall(r"functions/\$\{(\w+)", json.dumps(api["Body"]))
    before = re.findall(r"functions/\$\{(\w+)", json.dumps(resources(stack, "AWS::ApiGatewayV2::Api")["Api"]["Body"]))
    assert [f"{name.removesuffix('.Arn')}Aliaslive" for name in before] == called
    for mapping in resources(gradual, "AWS::Lambda::EventSourceMapping").values():
        assert mapping["FunctionName"] == {"Ref": "PublishAliaslive"}
    assert resources(gradual, "AWS::Scheduler::Schedule")["SyncTimer"]["Target"]["Arn"] == {"Ref": "SyncAliaslive"}


def test_another_release_makes_another_version_of_every_function(patched, tmp_path):
    def versions(template):
        return set(resources(translated(template), "AWS::Lambda::Version"))

    template = yaml_parse(patched.read_text())
    release = numbered(tmp_path, patched.read_text())

    assert len(versions(template)) == len(versions(release)) == 12
    assert versions(template) == versions(template)
    assert not versions(template) & versions(release)
    number = release["Globals"]["Function"]["Environment"]["Variables"].pop("RELEASE")
    assert re.fullmatch(r"\d{10,}", number)
    # Nothing else was changed.
    assert template["Globals"]["Function"]["Environment"]["Variables"].pop("RELEASE") == "1"
    assert release == template


def test_the_patch_is_taken_back_after_releases(patched, tmp_path):
    """The number stands in what is built, so that the patch's lines stay as they are."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    shutil.copy(patched, tmp_path)
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    numbered(tmp_path, patched.read_text())
    (command,) = re.findall(r"^git apply --reverse .*$", GUIDE, re.M)

    subprocess.run(["bash", "-euc", command], cwd=tmp_path, check=True)

    assert (tmp_path / "template.yaml").read_bytes() == (ROOT / "template.yaml").read_bytes()


def test_a_release_is_not_held_up_by_an_alarm_that_rings_if_the_guide_is_followed(patched, gradual):
    """Without `Alarms` alone, the group would keep its alarm, since an update says nothing of it."""
    lines = re.compile(r"^ {6}Type: .*\n {6}Alarms: .*\n {6}Role: .*\n", re.M)
    text, count = lines.subn("      Enabled: false\n", patched.read_text())
    assert count == 1

    at_once = translated(yaml_parse(text))

    assert not [body for body in at_once["Resources"].values() if "CodeDeploy" in body["Type"] or "UpdatePolicy" in body]
    for kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version"):
        assert resources(at_once, kind) == resources(gradual, kind)


def test_sam_does_not_see_that_a_parameter_changed_which_is_why_a_release_has_a_number(patched):
    """If this fails, SAM sees it, and a parameter in template.yaml can take the place of the patch and the number.

    Source: https://github.com/aws/serverless-application-model/issues/3820
    """
    source = yaml_parse(patched.read_text())
    source["Globals"]["Function"]["AutoPublishAliasAllProperties"] = True

    def versions(**parameters):
        return set(resources(translated(source, **parameters), "AWS::Lambda::Version"))

    assert versions(CartTtlDays="7") == versions(CartTtlDays="8")


def test_the_role_of_a_release_has_the_boundary_and_reaches_the_functions_of_the_stack_alone(gradual):
    roles = resources(gradual, "AWS::IAM::Role")
    (policy,) = roles["ReleaseRole"]["Policies"]
    alias, alarm = policy["PolicyDocument"]["Statement"]

    assert "CodeDeployServiceRole" not in roles
    assert roles["ReleaseRole"]["PermissionsBoundary"] == roles["GetRole"]["PermissionsBoundary"]
    reached = {resource["Fn::Sub"] for resource in alias["Resource"]}
    assert reached == {f"${{{name}.Arn}}*" for name in resources(gradual, "AWS::Lambda::Function")}
    # What CodeDeploy needs, without what its hooks and notifications would.
    # Source: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSCodeDeployRoleForLambda.html
    assert {*alias["Action"], *alarm["Action"]} == {
        "cloudwatch:DescribeAlarms", "lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias",
    }  # fmt: skip


def test_a_tenth_of_failing_requests_takes_a_release_back_and_a_hiccup_does_not(gradual):
    alarm = resources(gradual, "AWS::CloudWatch::Alarm")["ReleaseFailing"]

    def rang(*failing):
        shop = Shop(gradual)
        for minute in range(60):
            shop.answered(minute, 200, times=9)
        for minute in failing:
            shop.answered(minute, 500)
        return [minute for minute, rings in enumerate(states(alarm, shop)) if rings]

    assert rang() == rang(10) == rang(10, 15) == []
    # Five minutes is how long the tenth lasts: with two requests of it, the release is taken back.
    assert rang(10, 11, 12, 13, 14)[0] == 11
    assert rang(10, 11, 12, 13, 14)[-1] == 17


def test_nothing_of_it_is_in_the_template_without_the_patch(stack):
    kinds = {body["Type"] for body in stack["Resources"].values()}

    assert not {kind for kind in kinds if "CodeDeploy" in kind or kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version")}


@pytest.mark.parametrize(("preference", "periods"), [("Canary10Percent5Minutes", 5), ("Canary10Percent30Minutes", 30)])
def test_the_guide_says_how_many_requests_a_shop_needs_for_a_release_to_be_taken_back(gradual, patched, preference, periods):
    """All of the tenth fails, spread over the minutes that it lasts."""
    alarm = resources(gradual, "AWS::CloudWatch::Alarm")["ReleaseFailing"] | {"EvaluationPeriods": periods}

    def rings(requests):
        shop = Shop(gradual)
        for failed in range(requests // 10):
            shop.answered(10 + failed * periods // (requests // 10), 500)
        return any(states(alarm, shop)[: 10 + periods])

    least = next(requests for requests in range(100) if rings(requests))
    day = 24 * 60 // 5 * least
    (purchase,) = re.findall(r"^(\d+) requests\.$", (ROOT / "docs" / "costs.md").read_text(), re.M)
    assert f"at least {least} requests, or {round(day, -2):,} a day" in " ".join(GUIDE.split())
    assert f"about {round(day / int(purchase), -1):.0f} purchases" in " ".join(GUIDE.split())
    assert f"then {least} requests in half an hour" in " ".join(GUIDE.split())
    assert preference in GUIDE + patched.read_text()


def test_the_alarm_tells_whom_the_others_tell_and_is_explained(gradual):
    alarms = resources(gradual, "AWS::CloudWatch::Alarm")

    for actions in ("AlarmActions", "OKActions"):
        assert alarms["ReleaseFailing"][actions] == alarms["ApiFailing"][actions]
    assert "`ReleaseFailing`" in (ROOT / "docs" / "operate.md").read_text()
