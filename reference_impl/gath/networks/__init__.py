"""The four networks: generator G, discriminator D, AU estimator E, identity classifier C."""
