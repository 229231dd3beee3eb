// The same as grants.bicep, at one subscription, where no management group holds all that is guarded: once for each of them,
// `az deployment sub create --subscription <id> --location <region> --template-file infra/grants-subscription.bicep --parameters ...`.
// Firebreak sees those subscriptions alone; a role that is given above them shows where it reaches them.
// A deployment of its own, because it takes other rights than main.bicep, and because somebody else may have to read it first.
// Graph's app roles are no Azure roles: infra/permissions/grant-graph.sh. Clusters: infra/permissions/clusterrole-*.yaml.
targetScope = 'subscription'

@minLength(3)
@maxLength(12)
@description('As in main.bicep: role names end with it, as they are unique in a tenant.')
param environmentName string

@description('Object id of the identity that is always on: output FIREBREAK_IDENTITY_PRINCIPAL_ID of main.bicep.')
param containmentPrincipalId string

@description('Object id of the identity that acts after consent: output FIREBREAK_REBUILD_PRINCIPAL_ID of main.bicep.')
param rebuildPrincipalId string

@description('Resource id of the Log Analytics workspace that receives the logs; empty for all subscriptions but one: it is granted once.')
param workspaceResourceId string = ''

@description('Ids (GUIDs) of the roles that a rebuild may give back. Empty: every role but those that give out roles themselves.')
param grantableRoles array = []

@description('Identity bindings of AKS, a preview, are read. False where the cloud does not know their action: it would refuse the role.')
param identityBindings bool = true

@description('A recovery may rotate the signing keys of clusters.')
param keyRotation bool = false

@description('provision_identity may switch on OIDC issuer and workload identity: policy.toml [provision] enable_clusters.')
param enableClusters bool = false

@description('Comments on Sentinel incidents in that workspace: policy.toml [notices] sentinel_comments.')
param sentinelComments bool = false

var containment = loadJsonContent('permissions/azure-containment.json')
var rebuild = loadJsonContent('permissions/azure-rebuild.json')
var workspace = split(empty(workspaceResourceId) ? '${subscription().id}/resourceGroups/none/providers/none/none/none' : workspaceResourceId, '/')
// Never Owner, User Access Administrator or Role Based Access Control Administrator, and nobody but service principals.
var condition = empty(grantableRoles) ? loadTextContent('permissions/condition-rebuild.txt') : replace(loadTextContent('permissions/condition-rebuild-listed.txt'), 'GRANTABLE_ROLES', join(grantableRoles, ', '))

module contains 'modules/role-at-subscription.bicep' = {
  name: 'firebreak-containment'
  params: {
    definition: containment.guarded
    suffix: environmentName
    principalId: containmentPrincipalId
  }
}

module readsBindings 'modules/role-at-subscription.bicep' = if (identityBindings) {
  name: 'firebreak-identity-bindings'
  params: {
    definition: containment.identityBindings
    suffix: environmentName
    principalId: containmentPrincipalId
  }
}

module rebuilds 'modules/role-at-subscription.bicep' = {
  name: 'firebreak-rebuild'
  params: {
    definition: rebuild.guarded
    suffix: environmentName
    principalId: rebuildPrincipalId
    condition: condition
  }
}

module rotates 'modules/role-at-subscription.bicep' = if (keyRotation) {
  name: 'firebreak-key-rotation'
  params: {
    definition: rebuild.keyRotation
    suffix: environmentName
    principalId: rebuildPrincipalId
  }
}

module enables 'modules/role-at-subscription.bicep' = if (enableClusters) {
  name: 'firebreak-cluster-enabler'
  params: {
    definition: rebuild.enableClusters
    suffix: environmentName
    principalId: rebuildPrincipalId
  }
}

module reads 'modules/workspace-role.bicep' = if (!empty(workspaceResourceId)) {
  scope: resourceGroup(workspace[2], workspace[4])
  name: 'firebreak-log-reader'
  params: {
    definition: containment.workspace
    suffix: environmentName
    principalId: containmentPrincipalId
    workspaceName: workspace[8]
  }
}

module comments 'modules/workspace-role.bicep' = if (sentinelComments && !empty(workspaceResourceId)) {
  scope: resourceGroup(workspace[2], workspace[4])
  name: 'firebreak-sentinel-commenter'
  params: {
    definition: containment.sentinel
    suffix: environmentName
    principalId: containmentPrincipalId
    workspaceName: workspace[8]
  }
}
