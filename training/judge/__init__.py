"""What a model is worth: driving on courses, agreement with people, the choice of a checkpoint."""
