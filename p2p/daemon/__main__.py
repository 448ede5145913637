"""Entry point: ``python -m p2p.daemon init|run|doctor``."""

from __future__ import annotations

import sys

from p2p.daemon.program import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
