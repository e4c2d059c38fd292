"""The first program of a task that tells what its image has, for jobs that will run in it."""

import subprocess
import sys

from .s3 import S3Error
from .said import read_said
from .start import bucket_of

#: Name of the answer among the files of the attempt.
ANSWER = "image.txt"


def main(program: str) -> int:
    """Run a Python program as jobs would be run, and bring what it prints into the bucket."""
    place = read_said()["s3"]
    ran = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    bucket = bucket_of(place)
    try:
        bucket.put("%s/%s" % (place["attempt"], ANSWER), ran.stdout)
    except S3Error as error:
        print("flotilla: what the image has cannot be told: %s" % error)
        return 74
    finally:
        bucket.close()
    return ran.returncode
