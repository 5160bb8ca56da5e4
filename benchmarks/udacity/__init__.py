"""How fast Udacity's own scenes are drawn."""
