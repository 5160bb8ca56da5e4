"""What lies between a camera frame, a network that anybody made, and the steering."""
