"""docs/gradual.patch: template.yaml with an alias for each function, which a release takes over bit by bit."""

import json
import re

import pytest
from cloudwatch import states
from conftest import translated
from samtranslator.yaml_helper import yaml_parse
from test_alarms import Shop
from test_template import resources, run, tool


@pytest.fixture(scope="module")
def gradual(patched):
    return translated(yaml_parse(patched.read_text()))


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
    assert resources(gradual, "AWS::Scheduler::Schedule")["SyncTimer"]["Target"]["Arn"] == {"Ref": "SyncAliaslive"}


def test_another_release_makes_another_version_of_every_function(patched):
    def versions(release):
        text = re.sub(r"RELEASE: .*", f'RELEASE: "{release}"', patched.read_text())
        return set(resources(translated(yaml_parse(text)), "AWS::Lambda::Version"))

    assert len(versions(1)) == 10
    assert versions(1) == versions(1)
    assert not versions(1) & versions(2)


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
    # Five minutes is how long the tenth lasts.
    assert rang(10, 11, 12, 13, 14)[0] == 11
    assert rang(10, 11, 12, 13, 14)[-1] == 17


def test_nothing_of_it_is_in_the_template_without_the_patch(stack):
    kinds = {body["Type"] for body in stack["Resources"].values()}

    assert not {kind for kind in kinds if "CodeDeploy" in kind or kind in ("AWS::Lambda::Alias", "AWS::Lambda::Version")}
