// Firebreak's own events, for whoever builds on them: docs/how-to/events.md. Published by Entra token alone.
param name string
param location string
param tags object
param principalId string
param workspaceResourceId string

var role = loadJsonContent('../permissions/azure-containment.json').topic

resource topic 'Microsoft.EventGrid/topics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  properties: {
    inputSchema: 'CloudEventSchemaV1_0'
    disableLocalAuth: true
    minimumTlsVersionAllowed: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

resource sender 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(topic.id, role.Name)
  properties: {
    roleName: '${role.Name} (${name})'
    description: role.Description
    type: 'CustomRole'
    permissions: [
      {
        actions: role.Actions
        notActions: []
        dataActions: role.DataActions
        notDataActions: []
      }
    ]
    assignableScopes: [
      resourceGroup().id
    ]
  }
}

resource publishes 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(topic.id, principalId, sender.id)
  scope: topic
  properties: {
    roleDefinitionId: sender.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Firebreak: events of its incidents'
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: topic
  properties: {
    workspaceId: workspaceResourceId
    logs: [
      {
        category: 'DeliveryFailures'
        enabled: true
      }
      {
        category: 'PublishFailures'
        enabled: true
      }
    ]
  }
}

output endpoint string = topic.properties.endpoint
