// The same at the log workspace, which lies wherever it was before Firebreak: in a resource group that is not Firebreak's.
param definition object
param suffix string
param principalId string
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceName
}

resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, definition.Name, suffix)
  properties: {
    roleName: '${definition.Name} (${suffix})'
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
      resourceGroup().id
    ]
  }
}

resource grant 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(workspace.id, principalId, role.id)
  scope: workspace
  properties: {
    roleDefinitionId: role.id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: definition.Description
  }
}
