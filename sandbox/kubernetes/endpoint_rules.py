"""Endpoint slices and admission webhooks: what is filled in of them, and what is refused.

Left out    hints, match conditions, most limits on single fields
Source      https://kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1/
            https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/mutating-webhook-configuration-v1/
"""

from sandbox.kubernetes.field_problems import (
    FieldProblem,
    invalid_value,
    not_supported,
    required,
)
from sandbox.kubernetes.pod_defaults import unless_set
from sandbox.world import Json

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_POLICIES = ("Fail", "Ignore")
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_VERSIONS = {"v1", "v1beta1"}
_LONGEST_S = 30


def fill_webhooks(value: Json) -> None:
    """The defaults of a MutatingWebhookConfiguration."""
    for webhook in value.get("webhooks", []):
        unless_set(webhook, failurePolicy="Fail", matchPolicy="Equivalent", timeoutSeconds=10)
        unless_set(webhook, namespaceSelector={}, objectSelector={}, reinvocationPolicy="Never")
        for rule in webhook.get("rules", []):
            unless_set(rule, scope="*")
        if "service" in webhook.get("clientConfig", {}):
            unless_set(webhook["clientConfig"]["service"], port=443)


def fill_slice(value: Json) -> None:
    """The defaults of an EndpointSlice."""
    for port in value.get("ports", []):
        unless_set(port, name="", protocol="TCP")


def webhook_problems(value: Json) -> list[FieldProblem]:
    """Each webhook needs a full name, one way to it, and to say what it does on a dry run."""
    found: list[FieldProblem] = []
    names: set[str] = set()
    for index, webhook in enumerate(value.get("webhooks", [])):
        at, name = f"webhooks[{index}]", webhook.get("name", "")
        if name in names:
            found.append(
                FieldProblem("FieldValueDuplicate", f"{at}.name", f'Duplicate value: "{name}"')
            )
        names.add(name)
        if name.count(".") < 2:
            text = "should be a domain with at least three segments separated by dots"
            found.append(invalid_value(f"{at}.name", name, text))
        found += _webhook(webhook, at)
    return found


def _webhook(webhook: Json, at: str) -> list[FieldProblem]:
    found: list[FieldProblem] = []
    known = webhook.get("admissionReviewVersions", [])
    if known and not _VERSIONS & set(known):
        text = "must include at least one of v1, v1beta1"
        found.append(invalid_value(f"{at}.admissionReviewVersions", known, text))
    if webhook.get("failurePolicy") not in _POLICIES:
        found.append(not_supported(f"{at}.failurePolicy", webhook.get("failurePolicy"), _POLICIES))
    effects = webhook.get("sideEffects")
    if effects is not None and effects not in _SIDE_EFFECTS:
        found.append(not_supported(f"{at}.sideEffects", effects, _SIDE_EFFECTS))
    seconds = webhook.get("timeoutSeconds", 1)
    if not 1 <= seconds <= _LONGEST_S:
        text = "the timeout value must be between 1 and 30 seconds"
        found.append(invalid_value(f"{at}.timeoutSeconds", seconds, text))
    way = webhook.get("clientConfig", {})
    if ("url" in way) == ("service" in way):
        found.append(required(f"{at}.clientConfig", "exactly one of url or service is required"))
    elif "url" in way and not way["url"].startswith("https://"):
        text = "'https' is the only allowed URL scheme; desired format: https://host[/path]"
        found.append(invalid_value(f"{at}.clientConfig.url", way["url"], text))
    return found


def slice_problems(value: Json) -> list[FieldProblem]:
    """Which addresses it holds is one of three, and each endpoint has one."""
    found: list[FieldProblem] = []
    kind = value.get("addressType")
    if kind is not None and kind not in _ADDRESS_TYPES:
        found.append(not_supported("addressType", kind, _ADDRESS_TYPES))
    for index, endpoint in enumerate(value.get("endpoints", [])):
        if not endpoint.get("addresses"):
            found.append(
                required(f"endpoints[{index}].addresses", "must contain at least 1 address")
            )
    return found


def slice_change(old: Json, new: Json) -> list[FieldProblem]:
    """Which addresses it holds is settled when it is made."""
    if old.get("addressType") == new.get("addressType"):
        return []
    return [invalid_value("addressType", new.get("addressType"), "field is immutable")]
