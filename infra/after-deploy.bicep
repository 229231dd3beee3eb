// What can only be made once the app's code is there: Event Grid's subscription to a function. azd runs it after each deployment.
@description('Resource id of the function app.')
param appId string

@description('Resource id of the storage account that holds dead letters.')
param storageId string

@description('Region of the resource group.')
param location string = resourceGroup().location

module events 'modules/events.bicep' = {
  name: 'events'
  params: {
    name: 'evgs-firebreak'
    appId: appId
    storageId: storageId
    location: location
  }
}
