#!/bin/sh
# What the deployment needs to be told, asked for before anything is made. `azd env set NAME VALUE` sets each.
set -eu
missing=0
need() {
  eval "value=\${$1:-}"
  if [ -z "$value" ]; then
    echo "azd env set $1 <value>    # $2" >&2
    missing=1
  fi
}
need FIREBREAK_WORKSPACE_ID "resource id of the Log Analytics workspace that receives sign-in, audit and activity logs"
need FIREBREAK_API_CLIENT_ID "client id of the app registration: docs/how-to/give-people-access.md"
need FIREBREAK_API_OBJECT_ID "object id of its application: az ad app show --id <client id> --query id -o tsv"
[ "$missing" = 0 ]
