// One custom role of Firebreak and its assignment at a subscription. What it may do is made from what the responders need: infra/permissions.
targetScope = 'subscription'

@description('Name, Description, Actions and DataActions, as in infra/permissions/azure-*.json.')
param definition object

@description('Added to the role\'s name, which is unique in a tenant.')
param suffix string

@description('Object id of the identity that gets it.')
param principalId string

@description('In the language of Azure ABAC, version 2.0; empty: none.')
param condition string = ''

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(subscription().id, definition.Name, suffix)
  properties: {
    roleName: '${definition.Name} (${suffix} ${take(subscription().subscriptionId, 8)})'
    description: definition.Description
    type: 'CustomRole'
    permissions: [
      {
        actions: definition.Actions
        notActions: []
        dataActions: definition.DataActions
        notDataActions: []
      }
    ]
    assignableScopes: [
      subscription().id
    ]
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(subscription().id, principalId, role.id)
  properties: {
    roleDefinitionId: role.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: definition.Description
    condition: empty(condition) ? null : condition
    conditionVersion: empty(condition) ? null : '2.0'
  }
}
