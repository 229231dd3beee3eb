// Log alerts for what an attacker does to an identity, each split by whom it is about and who did it, as Firebreak reads them.
// What the policy makes of a severity: Sev1 and Sev2 contain, Sev3 only plans (policy.toml, [[signals]]).
param location string
param tags object
param workspaceResourceId string
param actionGroupId string
param ownPrincipalIds array

@description('Issuers whose federated credentials are expected: those of your clusters and pipelines, to the letter. Empty: every new trust is told of, and only planned about.')
param trustedIssuers array = []

@description('Addresses that the app calls from, as CIDR ranges. Empty: nobody watches where its own identity is used.')
param ownAddresses array = []

var trusted = string(trustedIssuers)
var trustSeverity = empty(trustedIssuers) ? 3 : 1
var detections = [
  {
    name: 'firebreak-rogue-trust-on-application'
    title: 'Firebreak: a federated credential of a strange issuer, on an application'
    severity: trustSeverity
    about: 'ObjectId'
    by: true
    query: loadTextContent('../queries/rogue-trust-on-application.kql')
  }
  {
    name: 'firebreak-rogue-trust-on-identity'
    title: 'Firebreak: a federated credential of a strange issuer, on a managed identity'
    severity: trustSeverity
    about: 'ManagedIdentityResourceId'
    by: true
    query: loadTextContent('../queries/rogue-trust-on-identity.kql')
  }
  {
    name: 'firebreak-credential-added'
    title: 'Firebreak: a secret or certificate was added to an application'
    severity: 3
    about: 'ObjectId'
    by: true
    query: loadTextContent('../queries/credential-added.kql')
  }
  {
    name: 'firebreak-role-escalation'
    title: 'Firebreak: a service principal was given an owner-level role'
    severity: 2
    about: 'ObjectId'
    by: true
    query: loadTextContent('../queries/role-escalation.kql')
  }
  {
    name: 'firebreak-failed-federation-burst'
    title: 'Firebreak: many refusals of federated sign-ins'
    severity: 3
    about: 'ServicePrincipalId'
    by: false
    query: loadTextContent('../queries/failed-federation-burst.kql')
  }
  {
    name: 'firebreak-re-enabled-principal'
    title: 'Firebreak: a disabled service principal was enabled'
    severity: 3
    about: 'ObjectId'
    by: true
    query: loadTextContent('../queries/re-enabled-principal.kql')
  }
  {
    name: 'firebreak-own-identity-elsewhere'
    title: 'Firebreak: its own identity was used from elsewhere'
    severity: 1
    about: 'ObjectId'
    by: false
    query: loadTextContent('../queries/own-identity-elsewhere.kql')
  }
  {
    name: 'firebreak-own-identity-outside-steps'
    title: 'Firebreak: its own identity was used, and not by Firebreak'
    severity: 1
    about: 'ObjectId'
    by: false
    query: loadTextContent('../queries/own-identity-outside-steps.kql')
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for detection in detections: {
    name: detection.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: detection.title
      severity: detection.severity
      enabled: true
      scopes: [
        workspaceResourceId
      ]
      // Every five minutes, over what came in within ten: nothing is missed, and what is seen twice joins its incident.
      evaluationFrequency: 'PT5M'
      windowSize: 'PT5M'
      overrideQueryTimeRange: 'P1D'
      autoMitigate: false
      criteria: {
        allOf: [
          {
            query: replace(replace(replace(detection.query, 'OWN_PRINCIPAL_IDS', string(ownPrincipalIds)), 'TRUSTED_ISSUERS', trusted), 'OWN_ADDRESSES', string(ownAddresses))
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: concat([
              {
                name: detection.about
                operator: 'Include'
                values: [
                  '*'
                ]
              }
            ], detection.by ? [
              {
                name: 'CallerObjectId'
                operator: 'Include'
                values: [
                  '*'
                ]
              }
            ] : [])
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [
          actionGroupId
        ]
      }
    }
  }
]

output names array = [for detection in detections: detection.name]
