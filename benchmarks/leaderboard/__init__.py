"""What the leaderboard's pool of processes costs, against the same drives in a plain loop."""
