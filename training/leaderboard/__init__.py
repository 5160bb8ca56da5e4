"""The leaderboard: models of many people drive the same roads, and a page, a table and a file say how well.

Nothing in a submission is trusted, and nothing that has been driven is driven again.
"""
