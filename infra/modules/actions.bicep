// Who is called by alerts: Firebreak by secure webhook, which stores no secret, and a person where one is named.
param name string
param tags object
param hostName string
param apiClientId string
param apiApplicationObjectId string
param operatorEmail string

resource sender 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: name
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'firebreak'
    enabled: true
    webhookReceivers: [
      {
        name: 'firebreak'
        serviceUri: 'https://${hostName}/api/secure/alerts/azure-monitor'
        useCommonAlertSchema: true
        useAadAuth: true
        objectId: apiApplicationObjectId
        identifierUri: 'api://${apiClientId}'
        tenantId: subscription().tenantId
      }
    ]
  }
}

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(operatorEmail)) {
  name: '${name}-operators'
  location: 'Global'
  tags: tags
  properties: {
    groupShortName: 'fb-oper'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: operatorEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

output senderId string = sender.id
output operatorsId string = empty(operatorEmail) ? '' : operators.id
