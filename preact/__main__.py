"""`python -m preact` is `preact`."""

from preact.cli.main import main

if __name__ == "__main__":
    main()
