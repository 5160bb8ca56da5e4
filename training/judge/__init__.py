"""This package judges models: by driving on courses, by agreement with people, and to choose a checkpoint."""
