"""What the tests' workers do: functions of a module, as other processes need them."""

import os
import signal
import time
from pathlib import Path


def square(number):
    return number * number


def say_process(group):
    return group, os.getpid()


def fail(number):
    raise ValueError(f"number {number}")


def die_at_three(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def leave_at_three(number):
    if number == 3:
        os._exit(7)
    return number


def touch_and_stay(path):
    Path(path).touch()
    time.sleep(600)  # killed by whoever runs the pool
