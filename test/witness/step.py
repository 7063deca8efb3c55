"""The steps of a script: a line "ok NAME" for each that works, exit 1 at the first that
does not. With HMA_TRACE set, what went wrong is told in full."""
import os
import sys


def step(name):
    def run(fn):
        try:
            value = fn()
        except Exception as e:
            print(f"FAILED {name}: {type(e).__name__}: {e}", flush=True)
            if os.environ.get("HMA_TRACE"):
                raise
            sys.exit(1)
        print(f"ok {name}", flush=True)
        return value
    return run
