// Evidence: blobs that nobody can change or delete before their time, the administrator included once the policy is locked.
// It is made unlocked, so that a trial can be taken down; docs/how-to/deploy.md has the command that locks it for good.
param name string
param location string
param tags object
param principalId string
param retentionDays int
param isPrivate bool
param workspaceResourceId string

// What may be done to evidence and to claims is made from what the responders need: nothing can be changed or deleted in the first.
var roles = loadJsonContent('../permissions/azure-containment.json')
var kept = [
  roles.evidence
  roles.claims
]

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_GZRS'
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  name: '${account.name}/default'
  properties: {
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 90
    }
  }
}

resource evidence 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'evidence'
  properties: {
    publicAccess: 'None'
  }
}

// Journals are append blobs: they grow, and nothing in them changes.
resource immutable 'Microsoft.Storage/storageAccounts/blobServices/containers/immutabilityPolicies@2023-05-01' = {
  name: '${account.name}/default/${evidence.name}/default'
  properties: {
    immutabilityPeriodSinceCreationInDays: retentionDays
    allowProtectedAppendWrites: true
  }
}

// Who works on what changes by its nature: beside the evidence, never in it.
resource claims 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: 'evidence-claims'
  properties: {
    publicAccess: 'None'
  }
}

resource definitions 'Microsoft.Authorization/roleDefinitions@2022-04-01' = [
  for one in kept: {
    name: guid(account.id, one.Name)
    properties: {
      roleName: '${one.Name} (${name})'
      description: one.Description
      type: 'CustomRole'
      permissions: [
        {
          actions: one.Actions
          notActions: []
          dataActions: one.DataActions
          notDataActions: []
        }
      ]
      assignableScopes: [
        resourceGroup().id
      ]
    }
  }
]

resource keeps 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(evidence.id, principalId, definitions[0].id)
  scope: evidence
  properties: {
    roleDefinitionId: definitions[0].id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Firebreak: evidence'
  }
}

resource claiming 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(claims.id, principalId, definitions[1].id)
  scope: claims
  properties: {
    roleDefinitionId: definitions[1].id
    principalId: principalId
    principalType: 'ServicePrincipal'
    description: 'Firebreak: who works on what'
  }
}

// Reads as well: who looked at evidence is part of its chain of custody.
resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceResourceId
    logs: [
      {
        category: 'StorageRead'
        enabled: true
      }
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output url string = '${account.properties.primaryEndpoints.blob}${evidence.name}'
