import Glibc

/// How far the local time of this machine's user is ahead of UTC at a moment, in seconds.
///
/// - Parameter moment: seconds since 1970.
package func secondsAheadOfUTC(at moment: Int64) -> Int {
    var time = time_t(moment)
    var parts = tm()
    // A year that does not fit is no moment that we could have recorded.
    guard localtime_r(&time, &parts) != nil else { return 0 }
    return parts.tm_gmtoff
}
