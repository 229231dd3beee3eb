using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'prod')
param location = readEnvironmentVariable('AZURE_LOCATION', 'westeurope')
param workspaceResourceId = readEnvironmentVariable('FIREBREAK_WORKSPACE_ID', '')
param apiClientId = readEnvironmentVariable('FIREBREAK_API_CLIENT_ID', '')
param apiApplicationObjectId = readEnvironmentVariable('FIREBREAK_API_OBJECT_ID', '')
param durableBackend = readEnvironmentVariable('FIREBREAK_DURABLE_BACKEND', 'azureStorage')
param network = readEnvironmentVariable('FIREBREAK_NETWORK', 'public')
param operatorEmail = readEnvironmentVariable('FIREBREAK_OPERATOR_EMAIL', '')
param profile = readEnvironmentVariable('FIREBREAK_PROFILE', 'full')
