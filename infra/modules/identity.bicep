// What Firebreak acts as, in two: one that is always on and takes away, one that makes and gives once a person has agreed. User-assigned, so that their
// grants outlive the app and can be reviewed before it is there.
param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
