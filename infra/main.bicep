// Firebreak, in a resource group of its own: `azd up`, or `az deployment sub create -l <region> -f infra/main.bicep -p infra/main.bicepparam`.
// Nothing here gives Firebreak a right outside its resource group: grants.bicep does, and docs/reference/permissions.md says which it needs, where and why.
targetScope = 'subscription'

@minLength(3)
@maxLength(12)
@description('Short name of this deployment: part of every resource name. Lower-case letters and digits.')
param environmentName string

@description('Region of everything but what is global.')
param location string

@description('Name of the resource group.')
param resourceGroupName string = 'rg-firebreak-${environmentName}'

@description('Resource id of the Log Analytics workspace that receives the sign-in, audit, activity, AKS, Key Vault and storage logs.')
param workspaceResourceId string

@description('Client id of the app registration that people and senders of signals sign in to: docs/how-to/give-people-access.md.')
param apiClientId string

@description('Object id of the application of that registration: action groups sign in to it.')
param apiApplicationObjectId string

@allowed([
  'azureStorage'
  'durableTaskScheduler'
])
@description('Where Durable Functions keeps its history.')
param durableBackend string = 'azureStorage'

@allowed([
  'public'
  'private'
])
@description('private: storage and Key Vault by private endpoints alone, and a way into networks of private clusters.')
param network string = 'public'

@description('Address space of the virtual network, with network = private.')
param addressPrefix string = '10.71.0.0/23'

@description('Of it, the subnet that the app calls from.')
param appPrefix string = '10.71.0.0/24'

@description('Of it, the subnet of the private endpoints.')
param endpointsPrefix string = '10.71.1.0/24'

@minValue(1)
@maxValue(3650)
@description('How long no byte of evidence can be changed or deleted.')
param evidenceRetentionDays int = 365

@minValue(0)
@maxValue(20)
@description('Instances that never sleep: a cold start is seconds of an attacker\'s time. 0 costs least.')
param alwaysReadyInstances int = 1

@minValue(40)
@maxValue(1000)
@description('Instances at most. 40 is the least that Flex Consumption takes.')
param maximumInstances int = 40

@allowed([
  'full'
  'managed-identities-only'
])
@description('What its identities are granted in Microsoft Graph: managed-identities-only in an estate without application registrations, as in grant-graph.sh --profile.')
param profile string = 'full'

@description('Mail address that hears of Firebreak\'s own troubles beside Teams; empty: nobody.')
param operatorEmail string = ''

@description('Issuers whose federated credentials are expected: those of your clusters and pipelines, to the letter. Empty: new trusts are only planned about.')
param trustedIssuers array = []

@description('Addresses that the app calls from, as CIDR ranges: where its own identity may be used. Empty: nobody watches that.')
param ownAddresses array = []

@description('Tags of every resource.')
param tags object = {}

var allTags = union(tags, {
  'azd-env-name': environmentName
  workload: 'firebreak'
})
var suffix = uniqueString(subscription().id, resourceGroupName, environmentName)

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: resourceGroupName
  location: location
  tags: allTags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: {
    name: 'id-firebreak-${environmentName}'
    location: location
    tags: allTags
  }
}

module rebuildIdentity 'modules/identity.bicep' = {
  scope: group
  name: 'rebuild-identity'
  params: {
    name: 'id-firebreak-rebuild-${environmentName}'
    location: location
    tags: allTags
  }
}

module net 'modules/network.bicep' = if (network == 'private') {
  scope: group
  name: 'network'
  params: {
    name: 'vnet-firebreak-${environmentName}'
    location: location
    tags: allTags
    addressPrefix: addressPrefix
    appPrefix: appPrefix
    endpointsPrefix: endpointsPrefix
  }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    name: 'appi-firebreak-${environmentName}'
    location: location
    tags: allTags
    workspaceResourceId: workspaceResourceId
    publisherPrincipalId: identity.outputs.principalId
  }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: take('stfb${environmentName}${suffix}', 24)
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    isPrivate: network == 'private'
    workspaceResourceId: workspaceResourceId
  }
}

module evidence 'modules/evidence.bicep' = {
  scope: group
  name: 'evidence'
  params: {
    name: take('stev${environmentName}${suffix}', 24)
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    retentionDays: evidenceRetentionDays
    isPrivate: network == 'private'
    workspaceResourceId: workspaceResourceId
  }
}

module vault 'modules/keyvault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: take('kv-fb-${environmentName}-${suffix}', 24)
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    isPrivate: network == 'private'
    workspaceResourceId: workspaceResourceId
  }
}

module endpoints 'modules/endpoints.bicep' = if (network == 'private') {
  scope: group
  name: 'endpoints'
  params: {
    location: location
    tags: allTags
    subnetId: net!.outputs.endpointsSubnetId
    networkId: net!.outputs.networkId
    storageId: storage.outputs.id
    evidenceId: evidence.outputs.id
    vaultId: vault.outputs.id
  }
}

module scheduler 'modules/scheduler.bicep' = if (durableBackend == 'durableTaskScheduler') {
  scope: group
  name: 'scheduler'
  params: {
    name: 'dts-firebreak-${environmentName}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
  }
}

module topic 'modules/topic.bicep' = {
  scope: group
  name: 'topic'
  params: {
    name: 'evgt-firebreak-${environmentName}'
    location: location
    tags: allTags
    principalId: identity.outputs.principalId
    workspaceResourceId: workspaceResourceId
  }
}

module app 'modules/function.bicep' = {
  scope: group
  name: 'app'
  params: {
    name: 'func-firebreak-${environmentName}-${take(suffix, 6)}'
    location: location
    tags: union(allTags, { 'azd-service-name': 'firebreak' })
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    rebuildIdentityId: rebuildIdentity.outputs.id
    rebuildClientId: rebuildIdentity.outputs.clientId
    apiClientId: apiClientId
    storageName: storage.outputs.name
    packageUrl: storage.outputs.packageUrl
    evidenceUrl: evidence.outputs.url
    teamsWebhookSecretUri: vault.outputs.teamsWebhookSecretUri
    topicEndpoint: topic.outputs.endpoint
    workspaceResourceId: workspaceResourceId
    insightsConnectionString: monitoring.outputs.connectionString
    durableBackend: durableBackend
    schedulerEndpoint: durableBackend == 'durableTaskScheduler' ? scheduler!.outputs.endpoint : ''
    subnetId: network == 'private' ? net!.outputs.appSubnetId : ''
    alwaysReadyInstances: alwaysReadyInstances
    maximumInstances: maximumInstances
    profile: profile
  }
}

module actions 'modules/actions.bicep' = {
  scope: group
  name: 'actions'
  params: {
    name: 'ag-firebreak-${environmentName}'
    tags: allTags
    hostName: app.outputs.hostName
    apiClientId: apiClientId
    apiApplicationObjectId: apiApplicationObjectId
    operatorEmail: operatorEmail
  }
}

module detections 'modules/detections.bicep' = {
  scope: group
  name: 'detections'
  params: {
    location: location
    tags: allTags
    workspaceResourceId: workspaceResourceId
    actionGroupId: actions.outputs.senderId
    ownPrincipalIds: [
      identity.outputs.principalId
      rebuildIdentity.outputs.principalId
    ]
    trustedIssuers: trustedIssuers
    ownAddresses: ownAddresses
  }
}

module troubles 'modules/troubles.bicep' = {
  scope: group
  name: 'troubles'
  params: {
    location: location
    tags: allTags
    workspaceResourceId: workspaceResourceId
    actionGroupId: actions.outputs.operatorsId
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: {
    name: 'firebreak-${environmentName}'
    location: location
    tags: allTags
    workspaceResourceId: workspaceResourceId
  }
}

output AZURE_RESOURCE_GROUP string = group.name
output AZURE_FUNCTION_APP string = app.outputs.name
output FIREBREAK_APP string = 'https://${app.outputs.hostName}'
output FIREBREAK_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output FIREBREAK_REBUILD_PRINCIPAL_ID string = rebuildIdentity.outputs.principalId
output FIREBREAK_VAULT string = vault.outputs.name
output FIREBREAK_STORAGE_ID string = storage.outputs.id
output FIREBREAK_APP_ID string = app.outputs.id
output FIREBREAK_ACTION_GROUP_ID string = actions.outputs.senderId
