"""Real bash, in which no program can run: whatever a command would run is only written down."""

import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from axon.security.lists import names

# With this PATH no program is found, and bash calls command_not_found_handle with its words.
# Functions stand before builtins. All of them succeed but those that read, whose loops must end.
# What sets variables, or runs a text, does so. Each process has a log of its own, for what is
# long is not written at once.
_STUBS = names(
    """
    echo test cd pushd popd readonly unset set exec command source
    kill jobs type hash umask ulimit true false dirs times alias trap let getopts shopt
    enable bind disown suspend logout fg bg history fc help
    """
)
_RUNNER = r"""
record_words() {
  local IFS=$'\x1f'
  builtin printf '%s\x1e' "$RUN_ID"$'\x1f'"$*" >> "$RUN_LOG/$BASHPID"
  (( ++RUN_COUNT > 40 )) && builtin exit 9
  builtin true
}
command_not_found_handle() { record_words "$@"; }
STUBS
function export { record_words export "$@"; builtin export "$@"; }
function declare { record_words declare "$@"; builtin declare -g "$@"; }
function typeset { record_words typeset "$@"; builtin declare -g "$@"; }
function read { record_words read "$@"; builtin read "$@"; }
function mapfile { record_words mapfile "$@"; builtin mapfile "$@"; }
function readarray { record_words readarray "$@"; builtin readarray "$@"; }
function wait { record_words wait "$@"; builtin wait "$@"; builtin true; }
function eval { record_words eval "$@"; builtin eval "$@"; }
function printf {
  record_words printf "$@"
  [[ $1 != -v* ]] || builtin printf "$@"
  builtin true
}
function bash {
  record_words bash "$@"
  [[ $1 != -*c ]] || ( RUN_TEXT=$2; builtin set -- "${@:4}"; builtin eval "$RUN_TEXT" )
}
function sh {
  record_words sh "$@"
  [[ $1 != -*c ]] || ( RUN_TEXT=$2; builtin set -- "${@:4}"; builtin eval "$RUN_TEXT" )
}
function mktemp { record_words mktemp "$@"; builtin printf '%s' "$TMPDIR/tmp.made"; }
function pwd { record_words pwd "$@"; builtin printf '%s' "$PWD"; }
function git {
  record_words git "$@"
  [[ $* != 'rev-parse --show-toplevel' ]] || builtin printf '%s' "$PWD"
}
function [ { record_words '[' "$@"; }
function : { record_words ':' "$@"; }
function . { record_words '.' "$@"; }
while IFS= builtin read -r -d '' RUN_ID && IFS= builtin read -r -d '' RUN_TEXT; do
  RUN_COUNT=0
  ( builtin ulimit -t 1; builtin eval -- "$RUN_TEXT"; builtin wait ) < /dev/null > /dev/null 2>&1
done < "$RUN_INPUT"
builtin exit 0
"""


def run(folder: Path, texts: list[str], seconds: float = 300) -> list[list[list[str]]]:
    """For each text, the words of every command that bash ran for it, process by process."""
    work = folder / "work"
    log = folder / "log"
    shutil.rmtree(log, ignore_errors=True)
    log.mkdir()
    (folder / "input").write_bytes(
        b"".join(f"{n}\0{text}\0".encode() for n, text in enumerate(texts))
    )
    stubs = "\n".join(f'function {name} {{ record_words {name} "$@"; }}' for name in sorted(_STUBS))
    process = subprocess.Popen(
        ["/bin/bash", "--norc", "--noprofile", "-c", _RUNNER.replace("STUBS", stubs)],
        cwd=work,
        env={
            "PATH": "/nonexistent",
            "LANG": "C.UTF-8",
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "tmp"),
            "RUN_LOG": str(log),
            "RUN_INPUT": str(folder / "input"),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.wait(seconds) == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what a command left running, too
        process.wait()
    ran: list[list[list[str]]] = [[] for _ in texts]
    for own in sorted(log.iterdir()):
        for record in own.read_bytes().decode("utf-8", "replace").split("\x1e")[:-1]:
            number, *words = record.split("\x1f")
            ran[int(number)].append(words)
    return ran
