"""The edge for apps and dashboards."""
