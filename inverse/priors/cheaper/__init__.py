"""A prior whose network costs less: layout, compilation, small weights, reuse."""
