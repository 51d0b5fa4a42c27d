"""Start axon: from a checkout with `python -m axon`, and first in the archive."""

import sys

# Kept to what every Python can read: an old one learns here that it is too old.
PYTHONS = ()  # type: tuple[str, ...]  # build_zipapp.py: those with bytecode in their own folder

if sys.version_info < (3, 11):
    sys.stderr.write(
        "axon: Python 3.11 or newer is needed, this is %d.%d (%s); start it with a newer one\n"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )
    sys.exit(2)

if __name__ == "__main__":
    if __package__ == "":  # run as a file, not with -m: sys.path[0] is the archive
        import os

        python = "py%d%d" % sys.version_info[:2]
        sys.path[0] = os.path.realpath(sys.path[0])  # links and the cwd may change
        if python in PYTHONS:
            sys.path[0] = os.path.join(sys.path[0], python)
    from axon.cli import main

    sys.exit(main())
