"""The contract, kept from outside: the generated client plays a story, then schemathesis tries every route.

Usage: contract PROGRAM DESCRIPTION FOLDER: the local service, its OpenAPI document, and a folder for reports.
"""

import sys
from pathlib import Path

from fuzz import fuzz
from story import Story
from world import Wrong, running


def main(program, description, folder):
    try:
        with running(program) as world:
            story = Story(world)
            known = story.tell()
            print(f"The generated client: enterprise {known.enterprises[0]} is created, connected, mapped and synced.")
            fuzz(world, known, story.examples, Path(description), Path(folder))
    except Wrong as wrong:
        sys.exit(str(wrong))


main(*sys.argv[1:])
