"""What a GPU gives to driving, to training and to a fleet, each measured in a process of its own."""
