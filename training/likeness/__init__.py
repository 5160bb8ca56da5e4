"""How true a drawn track is: real frames are located on it, drawn from the same places, and compared.

It asks what a driving network answers to both, whether the road's edges lie where the survey puts them, and whether the
car of the simulator, steered as a person steered, goes where that person went.
"""
