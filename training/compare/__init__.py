"""The comparison puts models side by side: cost, speed on this machine, agreement with people, and driving.

A slimmer network is good only if it loses nothing, so one table holds all the figures, with confidence intervals.
"""
