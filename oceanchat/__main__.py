"""`python -m oceanchat` is `oceanchat`."""

from oceanchat.cli.main import main

if __name__ == "__main__":
    main()
