"""Reports of sweeps and runs: tables with intervals, plots, one page, contacts as GraphML."""
