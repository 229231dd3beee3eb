// Private endpoints of everything that holds history, evidence or a secret, with the zones that make their names resolve to them.
param location string
param tags object
param subnetId string
param networkId string
param storageId string
param evidenceId string
param vaultId string

var doors = [
  {
    name: 'storage-blob'
    target: storageId
    kind: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'storage-queue'
    target: storageId
    kind: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'storage-table'
    target: storageId
    kind: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    name: 'evidence-blob'
    target: evidenceId
    kind: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'vault'
    target: vaultId
    kind: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]
var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink.vaultcore.azure.net'
]

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: zones[index]
    name: 'firebreak'
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for door in doors: {
    name: 'pe-${door.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: door.name
          properties: {
            privateLinkServiceId: door.target
            groupIds: [
              door.kind
            ]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (door, index) in doors: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: door.kind
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', door.zone)
          }
        }
      ]
    }
    dependsOn: [
      zones
    ]
  }
]
