"""What a pod template says of identities, and what scalers, volumes and budgets say of workloads: the parts, by name.

https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from twin.wire import Wire


class Reference(Wire):
    """Another object, by its name."""

    apiVersion: str | None = None
    kind: str | None = None
    namespace: str | None = None
    name: str | None = None
    key: str | None = None
    optional: bool | None = None
    fieldPath: str | None = None


class ValueFrom(Wire):
    """Where a variable's value comes from. Never the value."""

    configMapKeyRef: Reference | None = None
    secretKeyRef: Reference | None = None
    fieldRef: Reference | None = None


class Variable(Wire):
    """An environment variable that says which identity is used."""

    name: str
    value: str | None = None
    valueFrom: ValueFrom | None = None


class Variables(Wire):
    """A ConfigMap or Secret that becomes the environment."""

    prefix: str | None = None
    configMapRef: Reference | None = None
    secretRef: Reference | None = None


class Container(Wire):
    """A container, without its image: what it runs is not rehearsed."""

    name: str
    env: list[Variable] | None = None
    envFrom: list[Variables] | None = None
    args: list[str] | None = None  # those that hold the client id


class Token(Wire):
    """A ServiceAccount token that is projected into a pod."""

    audience: str | None = None
    expirationSeconds: int | None = None
    path: str | None = None


class Source(Wire):
    """A part of a projected volume."""

    serviceAccountToken: Token | None = None
    configMap: Reference | None = None


class Projected(Wire):
    """A projected volume."""

    sources: list[Source] = []


class Claim(Wire):
    """A claim that a pod mounts."""

    claimName: str


class Driver(Wire):
    """A volume of a driver; of its attributes those that name an identity or a class."""

    driver: str
    volumeHandle: str | None = None
    volumeAttributes: dict[str, str] | None = None


class Volume(Wire):
    """A volume that has to do with identities."""

    name: str
    projected: Projected | None = None
    persistentVolumeClaim: Claim | None = None
    configMap: Reference | None = None
    csi: Driver | None = None


class PodSpec(Wire):
    """Who runs, and what it is given."""

    serviceAccountName: str | None = None
    serviceAccount: str | None = None
    initContainers: list[Container] | None = None
    containers: list[Container] | None = None
    volumes: list[Volume] | None = None


class TemplateMetadata(Wire):
    """Of a template."""

    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Template(Wire):
    """What pods are made from."""

    metadata: TemplateMetadata
    spec: PodSpec


class JobSpec(Wire):
    """Of the Jobs that a CronJob makes."""

    template: Template


class JobTemplate(Wire):
    """What a CronJob makes."""

    spec: JobSpec


class Requirement(Wire):
    """A line of a label selector."""

    key: str
    operator: str
    values: list[str] | None = None


class Selector(Wire):
    """A label selector."""

    matchLabels: dict[str, str] | None = None
    matchExpressions: list[Requirement] | None = None


class Strategy(Wire):
    """How a rollout goes."""

    type: str | None = None


class Trigger(Wire):
    """A scaler's trigger, by whose authentication it reads."""

    authenticationRef: Reference


class PodIdentity(Wire):
    """By which identity KEDA reads."""

    provider: str | None = None
    identityId: str | None = None


class Spec(PodSpec):
    """All that any kind here has."""

    replicas: int | None = None
    paused: bool | None = None
    suspend: bool | None = None
    selector: Selector | None = None
    strategy: Strategy | None = None
    updateStrategy: Strategy | None = None
    template: Template | None = None
    jobTemplate: JobTemplate | None = None
    workloadRef: Reference | None = None
    minAvailable: int | str | None = None
    maxUnavailable: int | str | None = None
    scaleTargetRef: Reference | None = None
    triggers: list[Trigger] | None = None
    podIdentity: PodIdentity | None = None
    provider: str | None = None
    parameters: dict[str, str] | None = None
    storageClassName: str | None = None
    volumeName: str | None = None
    csi: Driver | None = None
    claimRef: Reference | None = None


class Rule(Wire):
    """Of a Role or ClusterRole."""

    apiGroups: list[str] | None = None
    resources: list[str] | None = None
    resourceNames: list[str] | None = None
    nonResourceURLs: list[str] | None = None
    verbs: list[str]


class Subject(Wire):
    """Who has a role."""

    kind: str
    apiGroup: str | None = None
    name: str
    namespace: str | None = None


class RoleReference(Wire):
    """Which role a binding gives."""

    apiGroup: str | None = None
    kind: str
    name: str
