"""`python -m upheld.cli`: the `upheld` command."""

from upheld.cli.main import main

main()
