// The function app: Python on Flex Consumption, Entra sign-in in front, no key or secret in a setting.
param name string
param location string
param tags object
param identityId string
param identityClientId string
param rebuildIdentityId string
param rebuildClientId string
param apiClientId string
param storageName string
param packageUrl string
param evidenceUrl string
param teamsWebhookSecretUri string
param topicEndpoint string
param workspaceResourceId string
param insightsConnectionString string
param durableBackend string
param schedulerEndpoint string
param subnetId string
param alwaysReadyInstances int
param maximumInstances int
param profile string

var workspaceParts = split(workspaceResourceId, '/')
// What host.json says of Durable is for Azure Storage; a setting of this form outweighs it.
// https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
var durableSettings = durableBackend == 'durableTaskScheduler' ? [
  {
    name: 'AzureFunctionsJobHost__extensions__durableTask__storageProvider__type'
    value: 'azureManaged'
  }
  {
    name: 'AzureFunctionsJobHost__extensions__durableTask__storageProvider__connectionStringName'
    value: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
  }
  {
    name: 'AzureFunctionsJobHost__extensions__durableTask__hubName'
    value: 'firebreak'
  }
  {
    name: 'DURABLE_TASK_SCHEDULER_CONNECTION_STRING'
    value: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
  }
] : []

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' existing = {
  name: workspaceParts[8]
  scope: resourceGroup(workspaceParts[2], workspaceParts[4])
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
      '${rebuildIdentityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.12'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstances
        alwaysReady: alwaysReadyInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyInstances
          }
          {
            name: 'durable'
            instanceCount: alwaysReadyInstances
          }
        ]
      }
    }
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      appSettings: concat([
        {
          name: 'AzureWebJobsStorage__accountName'
          value: storageName
        }
        {
          name: 'AzureWebJobsStorage__credential'
          value: 'managedidentity'
        }
        {
          name: 'AzureWebJobsStorage__clientId'
          value: identityClientId
        }
        {
          name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
          value: insightsConnectionString
        }
        {
          name: 'APPLICATIONINSIGHTS_AUTHENTICATION_STRING'
          value: 'ClientId=${identityClientId};Authorization=AAD'
        }
        {
          name: 'FIREBREAK_TENANT_ID'
          value: subscription().tenantId
        }
        {
          name: 'FIREBREAK_ARM_ENDPOINT'
          value: environment().resourceManager
        }
        {
          name: 'FIREBREAK_LOG_WORKSPACE_ID'
          value: workspace.properties.customerId
        }
        {
          name: 'FIREBREAK_CLIENT_ID'
          value: identityClientId
        }
        {
          name: 'FIREBREAK_REBUILD_CLIENT_ID'
          value: rebuildClientId
        }
        {
          name: 'FIREBREAK_PROFILE'
          value: profile
        }
        {
          name: 'FIREBREAK_API_AUDIENCE'
          value: '${apiClientId},api://${apiClientId}'
        }
        {
          name: 'FIREBREAK_EVIDENCE'
          value: evidenceUrl
        }
        {
          name: 'FIREBREAK_TEAMS_WEBHOOK_URL'
          value: '@Microsoft.KeyVault(SecretUri=${teamsWebhookSecretUri})'
        }
        {
          name: 'FIREBREAK_EVENT_GRID_TOPIC'
          value: topicEndpoint
        }
      ], durableSettings)
    }
  }
}

// Passwords for publishing are credentials that nobody rotates: off.
resource noFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  name: '${app.name}/ftp'
  properties: {
    allow: false
  }
}

resource noScm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  name: '${app.name}/scm'
  properties: {
    allow: false
  }
}

// AllowAnonymous lets machines in that come with a function key; every route for people asks for itself.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = {
  name: '${app.name}/authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: apiClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${subscription().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            apiClientId
            'api://${apiClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceResourceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
      {
        category: 'AppServiceAuthenticationLogs'
        enabled: true
      }
    ]
  }
}

output id string = app.id
output name string = app.name
output hostName string = app.properties.defaultHostName
