"""What a GPU gives: its engines, each measured in a process of its own."""
