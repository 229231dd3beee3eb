#!/bin/sh
# Event Grid's subscription names a function, so it is made when the function is there. Safe to repeat.
set -eu
az deployment group create \
  --resource-group "$AZURE_RESOURCE_GROUP" \
  --name firebreak-after-deploy \
  --template-file infra/after-deploy.bicep \
  --parameters appId="$FIREBREAK_APP_ID" storageId="$FIREBREAK_STORAGE_ID" \
  --output none
echo "The channel is told once the webhook is there:"
echo "  az keyvault secret set --vault-name $FIREBREAK_VAULT --name teams-webhook --file <file that holds the URL alone>"
echo "What its two identities may do is granted by infra/grants.bicep, infra/permissions/grant-graph.sh and the ClusterRoles: docs/how-to/deploy.md, step 4."
