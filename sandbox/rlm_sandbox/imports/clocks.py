"""Imports on time. The guest's zone is UTC; `struct tm` is eight i32 (second to year day, then DST), then its zone."""

import calendar
import time

from rlm_sandbox.imports import Table
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError

_REALTIME, _MONOTONIC, _PROCESS, _THREAD = 0, 1, 2, 3
_ZONE = b"UTC\0"


class Clocks:
    def __init__(self, memory: GuestMemory) -> None:
        self.memory = memory

    def table(self) -> Table:
        return {
            "clock_time_get": self.now,
            "clock_res_get": self.resolution,
            "emscripten_date_now": lambda: time.time() * 1000.0,
            "emscripten_get_now": lambda: time.perf_counter() * 1000.0,
            "_tzset_js": self.set_zone,
            "_gmtime_js": self.broken_down,
            "_localtime_js": self.broken_down_local,
            "_timegm_js": self.seconds,
            "_mktime_js": self.seconds,
        }

    def now(self, clock: int, _precision: int, result: int) -> int:
        if clock not in (_REALTIME, _MONOTONIC, _PROCESS, _THREAD):
            raise SysError(Errno.EINVAL)
        self.memory.set_u64(result, time.time_ns() if clock == _REALTIME else time.perf_counter_ns())
        return 0

    def resolution(self, _clock: int, result: int) -> int:
        self.memory.set_u64(result, 1000)
        return 0

    def set_zone(self, offset: int, has_summer_time: int, standard: int, summer: int) -> None:
        self.memory.set_u32(offset, 0)
        self.memory.set_u32(has_summer_time, 0)
        self.memory.write(standard, _ZONE)
        self.memory.write(summer, _ZONE)

    def broken_down(self, seconds: int, result: int) -> None:
        """Seconds since the epoch -> `struct tm`; all zero for what no calendar here holds, as JavaScript's Date."""
        try:
            moment = time.gmtime(seconds)
        except (ValueError, OverflowError, OSError):
            self.memory.pack("<8i", result, *[0] * 8)
            return
        weekday = (moment.tm_wday + 1) % 7
        date = (moment.tm_mday, moment.tm_mon - 1, moment.tm_year - 1900, weekday, moment.tm_yday - 1)
        self.memory.pack("<8i", result, moment.tm_sec, moment.tm_min, moment.tm_hour, *date)

    def broken_down_local(self, seconds: int, result: int) -> None:
        self.broken_down(seconds, result)
        self.memory.pack("<2i", result + 32, 0, 0)

    def seconds(self, broken_down: int) -> int:
        """`struct tm`, normalised in place -> seconds since the epoch, or -1 outside the years 1 to 9999."""
        second, minute, hour, day, month, year = self.memory.unpack("<6i", broken_down)
        try:
            first = calendar.timegm((1900 + year + month // 12, month % 12 + 1, 1, 0, 0, 0))
        except (ValueError, OverflowError):
            return -1
        result = first + ((day - 1) * 24 + hour) * 3600 + minute * 60 + second
        self.broken_down(result, broken_down)
        return result
