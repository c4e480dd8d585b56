"""Imports on time. The guest's zone is UTC.

`struct tm` is eight i32 (second, minute, hour, day, month, year, weekday, day of the year), then two for local time
(whether it is summer time, the offset from UTC).
"""

import calendar
import time

from rlm_sandbox.imports import Imports, implements
from rlm_sandbox.memory import GuestMemory
from rlm_sandbox.syserr import Errno, SysError

# Real time, monotonic, of the process, of the thread: of the one that runs the cell, from the cell's beginning.
_CLOCKS = {0: time.time_ns, 1: time.perf_counter_ns, 2: time.process_time_ns, 3: time.thread_time_ns}
_RESOLUTION = 1000  # nanoseconds
_ZONE = b"UTC\0"


class Clocks(Imports):
    def __init__(self, memory: GuestMemory) -> None:
        self.memory = memory

    @implements("clock_time_get")
    def now(self, clock: int, _precision: int, result: int) -> int:
        """Nanoseconds, u64 at `result`."""
        if clock not in _CLOCKS:
            raise SysError(Errno.EINVAL)
        self.memory.set_u64(result, _CLOCKS[clock]())
        return 0

    @implements("clock_res_get")
    def resolution(self, clock: int, result: int) -> int:
        """Nanoseconds, u64 at `result`."""
        if clock not in _CLOCKS:
            raise SysError(Errno.EINVAL)
        self.memory.set_u64(result, _RESOLUTION)
        return 0

    @implements("emscripten_date_now")
    def milliseconds_of_date(self) -> float:
        """Milliseconds since the epoch."""
        return time.time() * 1000.0

    @implements("emscripten_get_now")
    def milliseconds(self) -> float:
        """Milliseconds since some moment; never goes back."""
        return time.perf_counter() * 1000.0

    @implements("_tzset_js")
    def set_zone(self, offset: int, has_summer_time: int, standard: int, summer: int) -> None:
        """Seconds west of Greenwich and whether there is summer time, as i32; the zone's two names, of at most 16
        bytes."""
        self.memory.set_u32(offset, 0)
        self.memory.set_u32(has_summer_time, 0)
        self.memory.write(standard, _ZONE)
        self.memory.write(summer, _ZONE)

    @implements("_gmtime_js")
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

    @implements("_localtime_js")
    def broken_down_local(self, seconds: int, result: int) -> None:
        """The same, with the two fields of local time."""
        self.broken_down(seconds, result)
        self.memory.pack("<2i", result + 32, 0, 0)

    @implements("_timegm_js", "_mktime_js")
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
