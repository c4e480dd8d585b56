"""`python -m rlm_local`."""

from rlm_local.cli import main

main()
