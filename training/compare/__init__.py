"""Models side by side: what each costs, how fast it is here, how it agrees with people, and how it drives.

A slimmer network is a good one only if nothing is lost on the way, so all the figures stand in one table, each with the
interval that says how far to believe it.
"""
