"""The commands of ``molva-sim``, one file each; :mod:`simulations.main` loads the one it needs."""
