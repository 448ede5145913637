"""What the commands that need no node do by themselves.

Only here does the command line reach into the product, past the control API: to check and to
issue credentials from files. Its commands import these modules when they run, not before: the
libraries behind them take longer to load than most commands take in all.
"""
