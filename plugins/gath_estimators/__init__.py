"""Built-in evaluators: the networks that grade in the embedded data set's domain, and how they are trained."""
