"""What the scripts of the fuzz say at their end."""
import sys
import time


def told(fuzz):
    """Run fuzz(count, seed) with the numbers of the command line, 1000 by default, and print what it counted."""
    given = [int(text) for text in sys.argv[1:]]
    begin = time.perf_counter()
    for kind, number in sorted(fuzz(*(given or [1000])).items()):
        print(f"{number:>6}  {kind}")
    print(f"{time.perf_counter() - begin:.0f} s")
