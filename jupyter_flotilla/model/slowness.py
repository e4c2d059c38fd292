"""When a run takes longer than it usually does: a threshold from the job's own history."""

import math
import statistics
from collections.abc import Sequence

#: With fewer earlier successes nobody knows what is usual.
_FEWEST = 5
#: By so many robust standard deviations, of logarithms: durations are skewed.
_DEVIATIONS = 3.0
#: From the median absolute deviation to the standard deviation, of a normal distribution.
_MAD_TO_SIGMA = 1.4826
#: At least by this share, and by so many seconds: a job that always takes 10.0 s may take 12.
_LEAST_SHARE = 1.5
_LEAST_S = 30.0


def slow_after_s(durations_s: Sequence[float]) -> float | None:
    """Return after how many seconds a run is slower than usual; None: too little is known.

    The median and the median absolute deviation of the logarithms: neither is moved by the few
    runs that hung or ended at once (Leys et al. 2013, doi:10.1016/j.jesp.2013.03.013). With few
    runs the deviation is underestimated, and more of them are asked for.
    """
    known = [math.log(duration) for duration in durations_s if duration > 0]
    if len(known) < _FEWEST:
        return None
    median = statistics.median(known)
    mad = statistics.median(abs(one - median) for one in known)
    deviations = _DEVIATIONS * (1 + 2 / len(known))
    usual_s = math.exp(median)
    threshold_s = math.exp(median + deviations * _MAD_TO_SIGMA * mad)
    return max(threshold_s, usual_s * _LEAST_SHARE, usual_s + _LEAST_S)
