"""Small disks of their own, to be filled or made read-only."""

import subprocess
from pathlib import Path

import pytest


class mounted:  # noqa: N801 - used as a function
    """A small disk of its own; the test is skipped where mounting is not permitted."""

    def __init__(self, folder: Path, size: str) -> None:
        self.folder, self.size = folder, size

    def __enter__(self) -> Path:
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={self.size}", "tmpfs", str(self.folder)]
        try:
            done = subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            pytest.skip("mount is not there")
        if done.returncode:
            pytest.skip("mounting is not permitted here")
        return self.folder

    def __exit__(self, *error: object) -> None:
        subprocess.run(["umount", "-l", str(self.folder)], check=True)


def remount(folder: Path, option: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{option}", str(folder)], check=True)
