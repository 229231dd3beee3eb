// Application Insights on the workspace that is there already. Telemetry is taken by Entra token alone.
param name string
param location string
param tags object
param workspaceResourceId string
param publisherPrincipalId string

var metricsPublisher = subscriptionResourceId('Microsoft.Authorization/roleDefinitions', '3913510d-42f4-4e42-8a64-420c390055eb')

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspaceResourceId
    DisableLocalAuth: true
    IngestionMode: 'LogAnalytics'
  }
}

resource publishes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, publisherPrincipalId, metricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: metricsPublisher
    principalId: publisherPrincipalId
    principalType: 'ServicePrincipal'
    description: 'Firebreak: its own telemetry'
  }
}

output connectionString string = insights.properties.ConnectionString
