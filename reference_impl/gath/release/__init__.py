"""What a training publishes: the weights file, its facts as JSON, and the model card."""
