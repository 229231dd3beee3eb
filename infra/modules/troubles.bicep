// Log alerts about Firebreak itself, for the people who run it: what it says of its queue, its notices and its playbooks, and that it says anything at all.
// They go to no webhook of its own: who is ill is not asked to heal itself.
param location string
param tags object
param workspaceResourceId string

@description('Action group of the people who run Firebreak; empty: the alerts are seen in Azure Monitor alone.')
param actionGroupId string

var troubles = [
  {
    name: 'firebreak-signals-wait'
    title: 'Firebreak: signals are not handled'
    severity: 1
    query: loadTextContent('../alerts/own/signals-wait.kql')
  }
  {
    name: 'firebreak-signal-poisoned'
    title: 'Firebreak: a signal was given up'
    severity: 1
    query: loadTextContent('../alerts/own/signal-poisoned.kql')
  }
  {
    name: 'firebreak-notices-fail'
    title: 'Firebreak: people are not told'
    severity: 1
    query: loadTextContent('../alerts/own/notices-fail.kql')
  }
  {
    name: 'firebreak-orchestration-failed'
    title: 'Firebreak: a playbook broke'
    severity: 1
    query: loadTextContent('../alerts/own/orchestration-failed.kql')
  }
  {
    name: 'firebreak-telemetry-lost'
    title: 'Firebreak: its spans or figures do not arrive'
    severity: 2
    query: loadTextContent('../alerts/own/telemetry-lost.kql')
  }
  {
    name: 'firebreak-not-measured'
    title: 'Firebreak: nobody knows how it is'
    severity: 1
    query: loadTextContent('../alerts/own/not-measured.kql')
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for trouble in troubles: {
    name: trouble.name
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: trouble.title
      severity: trouble.severity
      enabled: true
      scopes: [
        workspaceResourceId
      ]
      evaluationFrequency: 'PT15M'
      windowSize: 'PT15M'
      overrideQueryTimeRange: 'P1D'
      autoMitigate: true
      criteria: {
        allOf: [
          {
            query: trouble.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: empty(actionGroupId) ? [] : [
          actionGroupId
        ]
      }
    }
  }
]

output names array = [for trouble in troubles: trouble.name]
