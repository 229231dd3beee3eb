// The same three alerts for whoever has no Prometheus, on the sign-in tables themselves. The name of each rule is the kind of
// signal that Firebreak reads it as, so policy.toml decides by it; deploy them beside infra/main.bicep:
//   az deployment group create --resource-group <group> --template-file infra/alerts/azure-monitor.bicep \
//     --parameters workspaceResourceId=<workspace> actionGroupId=<action group with the secure webhook>
param location string = resourceGroup().location
param tags object = {}
param workspaceResourceId string

@description('The action group that calls Firebreak by its secure webhook: docs/how-to/azure-monitor-alert.md.')
param actionGroupId string

var alerts = [
  {
    name: 'HighIdentityAuthenticationFailures'
    severity: 3
    query: loadTextContent('queries/high-identity-authentication-failures.kql')
  }
  {
    name: 'FederatedCredentialMisconfiguration'
    severity: 3
    query: loadTextContent('queries/federated-credential-misconfiguration.kql')
  }
  {
    name: 'TokenExpirationWarning'
    severity: 4
    query: loadTextContent('queries/token-expiration-warning.kql')
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in alerts: {
    name: alert.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      severity: alert.severity
      enabled: true
      scopes: [
        workspaceResourceId
      ]
      // Every quarter of an hour, over what came in within it: rows of sign-ins come late, so the time of the sign-in says little.
      evaluationFrequency: 'PT15M'
      windowSize: 'PT15M'
      overrideQueryTimeRange: 'P1D'
      autoMitigate: false
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            dimensions: [
              {
                name: 'ServicePrincipalId'
                operator: 'Include'
                values: [
                  '*'
                ]
              }
            ]
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

output names array = [for alert in alerts: alert.name]
