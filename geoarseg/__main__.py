"""`python -m geoarseg` is the command `geoarseg`."""

from geoarseg.cli.main import main

if __name__ == "__main__":
    main()
