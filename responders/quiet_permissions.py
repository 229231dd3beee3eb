"""What quiet-day playbooks need in a cluster beyond what incidents do: resource or URL, then verbs.

docs/reference/permissions.md has the same list, and a test compares them. Without one of these a run says what it could
not read.
"""

ON_QUIET_DAYS: dict[str, tuple[str, ...]] = {
    # provision_identity, in the clusters that are declared; it deletes what it made itself, where it undoes. A review
    # lists them, for the labels of Pod Security Standards.
    "namespaces": ("get", "list", "create", "delete"),
    "serviceaccounts": ("delete",),
    "pods": ("get",),  # troubleshoot_workload, where a pod is named
    "resourcequotas": ("list",),
    "/openid/v1/jwks": ("get",),  # the keys that the API server signs with: see `issuer_keys`
    "pods.metrics.k8s.io": ("list",),  # what the webhook's pods use, where it is measured
}
