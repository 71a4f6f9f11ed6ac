"""`python -m alphazero`."""

from __future__ import annotations

import sys

from alphazero.cli import main

sys.exit(main())
