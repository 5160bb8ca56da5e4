"""The leaderboard's page: a template, its pictures, and what fills it."""
