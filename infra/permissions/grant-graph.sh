#!/usr/bin/env bash
# Gives Firebreak's two identities the app roles of Microsoft Graph that its responders need, and no other. Safe to repeat.
# `make permissions` writes this file; docs/reference/permissions.md has the reason for each role.
#
#   grant-graph.sh --containment <object id> [--rebuild <object id>] [--profile full|managed-identities-only]
#                  [--prune] [--dry-run]
#
#   --profile   managed-identities-only: for estates without applications; nothing that writes in Graph
#   --prune     also take away app roles of Graph that the profile does not have, as after a change of profile
#   --dry-run   say what would be done, and do nothing
#
# It takes Privileged Role Administrator, and `az login`. Object ids are those of the identities' service principals:
#   azd env get-value FIREBREAK_IDENTITY_PRINCIPAL_ID; azd env get-value FIREBREAK_REBUILD_PRINCIPAL_ID
# https://learn.microsoft.com/graph/api/serviceprincipal-post-approleassignments
set -euo pipefail

GRAPH_APP=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant and cloud
GUID='^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$'
containment='' rebuild='' profile=full prune='' dry_run=''

roles_of() {
  case "$1/$2" in
    containment/full) echo "AppRoleAssignment.ReadWrite.All Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All Directory.Read.All GroupMember.ReadWrite.All IdentityRiskyServicePrincipal.ReadWrite.All" ;;
    containment/managed-identities-only) echo "Directory.Read.All" ;;
    rebuild/full) echo "AppRoleAssignment.ReadWrite.All Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All Directory.Read.All GroupMember.ReadWrite.All IdentityRiskyServicePrincipal.ReadWrite.All" ;;
    rebuild/managed-identities-only) echo "Directory.Read.All" ;;
  esac
}
fail() {
  echo "grant-graph.sh: $*" >&2
  exit 2
}

while [ $# -gt 0 ]; do
  case "$1" in
    --containment | --rebuild | --profile)
      [ $# -ge 2 ] || fail "$1 needs a value"
      printf -v "${1#--}" '%s' "$2"
      shift 2
      ;;
    --prune) prune=yes && shift ;;
    --dry-run) dry_run=yes && shift ;;
    *) fail "unknown argument: $1" ;;
  esac
done
[ -n "$containment" ] || fail "--containment <object id> is missing"
[ -n "$(roles_of containment "$profile")" ] || fail "unknown profile: $profile"
for id in "$containment" ${rebuild:+"$rebuild"}; do
  [[ $id =~ $GUID ]] || fail "not an object id: $id"
done
[ "$containment" != "$rebuild" ] || fail "both identities are the same: that would be one with all the rights"

graph="$(az cloud show --query endpoints.microsoftGraphResourceId --output tsv)"
graph="${graph%/}/v1.0"
resource="$(az rest --method get --url "$graph/servicePrincipals(appId='$GRAPH_APP')?\$select=id" --query id --output tsv)"
# One line for each app role of Graph: its id and its name.
known="$(az rest --method get --url "$graph/servicePrincipals/$resource?\$select=appRoles" \
  --query "appRoles[?contains(allowedMemberTypes, 'Application')].[id, value]" --output tsv)"

named() { awk -v id="$1" '$1 == id { print $2 }' <<<"$known"; }
id_of() { awk -v name="$1" '$2 == name { print $1 }' <<<"$known"; }

# One line for each assignment that the identity has of Graph: its own id, and the id of the role.
assignments() {
  az rest --method get --url "$graph/servicePrincipals/$1/appRoleAssignments" \
    --query "value[?resourceId=='$resource'].[id, appRoleId]" --output tsv
}

give() {
  local hand=$1 id=$2 role role_id held
  held="$(assignments "$id")"
  for role in $(roles_of "$hand" "$profile"); do
    role_id="$(id_of "$role")"
    [ -n "$role_id" ] || fail "Microsoft Graph of this cloud has no app role $role"
    if awk '{ print $2 }' <<<"$held" | grep -qixF "$role_id"; then
      echo "$hand: has $role"
    elif [ -n "$dry_run" ]; then
      echo "$hand: would be given $role"
    else
      az rest --method post --url "$graph/servicePrincipals/$id/appRoleAssignments" \
        --headers Content-Type=application/json --output none \
        --body "{\"principalId\": \"$id\", \"resourceId\": \"$resource\", \"appRoleId\": \"$role_id\"}"
      echo "$hand: was given $role"
    fi
  done
  beyond "$hand" "$id" "$held"
}

# What it holds and does not need is told, and taken away with --prune.
beyond() {
  local hand=$1 id=$2 assignment role_id role
  while read -r assignment role_id; do
    [ -n "$assignment" ] || continue
    role="$(named "$role_id")"
    if [[ " $(roles_of "$hand" "$profile") " == *" $role "* ]]; then
      continue
    elif [ -z "$prune" ]; then
      echo "$hand: holds ${role:-$role_id}, which it does not need: --prune takes it away"
    elif [ -n "$dry_run" ]; then
      echo "$hand: would lose ${role:-$role_id}"
    else
      az rest --method delete --url "$graph/servicePrincipals/$id/appRoleAssignments/$assignment" --output none
      echo "$hand: lost ${role:-$role_id}"
    fi
  done <<<"$3"
}

give containment "$containment"
if [ -n "$rebuild" ]; then
  give rebuild "$rebuild"
fi
