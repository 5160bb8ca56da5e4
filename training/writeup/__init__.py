"""This package drafts a student's write-up of one training, from the run's own pictures and figures."""
