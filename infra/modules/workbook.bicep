// One page of Azure Monitor about Firebreak: incidents and their seconds, what failed, one trace, calls by identity, refusals, the queue.
param name string
param location string
param tags object
param workspaceResourceId string

// What a workbook calls a query, a parameter and a text.
// https://learn.microsoft.com/azure/azure-monitor/visualize/workbooks-automate
var query = 3
var parameters = 9
var queries = [
  {
    title: 'Incidents that are over'
    text: loadTextContent('../workbooks/incidents.kql')
    shown: 'table'
  }
  {
    title: 'Open incidents'
    text: loadTextContent('../workbooks/open-incidents.kql')
    shown: 'table'
  }
  {
    title: 'Steps that failed or were refused'
    text: loadTextContent('../workbooks/failed-steps.kql')
    shown: 'table'
  }
  {
    title: 'One incident or run'
    text: loadTextContent('../workbooks/one-trace.kql')
    shown: 'table'
  }
  {
    title: 'Calls by identity and host'
    text: loadTextContent('../workbooks/calls.kql')
    shown: 'table'
  }
  {
    title: 'Signals that were refused or given up'
    text: loadTextContent('../workbooks/refusals.kql')
    shown: 'table'
  }
  {
    title: 'The queue'
    text: loadTextContent('../workbooks/queue.kql')
    shown: 'timechart'
  }
]
var asked = [
  {
    type: parameters
    name: 'parameters'
    content: {
      version: 'KqlParameterItem/1.0'
      style: 'pills'
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      parameters: [
        {
          id: guid(name, 'TimeRange')
          version: 'KqlParameterItem/1.0'
          name: 'TimeRange'
          label: 'Within'
          type: 4
          isRequired: true
          value: {
            durationMs: 604800000
          }
          typeSettings: {
            selectableValues: [
              {
                durationMs: 86400000
              }
              {
                durationMs: 604800000
              }
              {
                durationMs: 2592000000
              }
            ]
            allowCustom: true
          }
        }
        {
          id: guid(name, 'Incident')
          version: 'KqlParameterItem/1.0'
          name: 'Incident'
          label: 'Incident or run'
          type: 1
          value: ''
        }
      ]
    }
  }
]
var shown = [
  for one in queries: {
    type: query
    name: one.title
    content: {
      version: 'KqlItem/1.0'
      title: one.title
      query: one.text
      size: 0
      queryType: 0
      resourceType: 'microsoft.operationalinsights/workspaces'
      timeContextFromParameter: 'TimeRange'
      visualization: one.shown
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name)
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Firebreak'
    category: 'workbook'
    sourceId: workspaceResourceId
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat(asked, shown)
      fallbackResourceIds: [
        workspaceResourceId
      ]
    })
  }
}

output id string = workbook.id
