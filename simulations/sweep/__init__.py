"""Sweeps: a grid of parameters x seeds as independent runs, resumable, on processes or on Dask."""
