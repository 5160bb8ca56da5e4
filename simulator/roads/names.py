"""The names of the tracks, for the help of commands, which must not wait for numpy."""

TRACK_NAMES = "lake, jungle, mountain, random:SEED, udacity-lake and udacity-jungle"
TRACK_HELP = f"{TRACK_NAMES.replace(' and ', ' or ')} (default %(default)s)"
