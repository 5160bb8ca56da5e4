"""What is computed once when one of Udacity's scenes is opened: its light, its land, and the tiles it is drawn in."""
