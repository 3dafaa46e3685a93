import Glibc

/// Changes our umask so that we may use what we make; to be called before there are threads.
///
/// - Returns: the umask as it was; nil where it took no rights from the owner, and is unchanged.
package func giveOwnerItsRights() -> UInt32? {
    let before = umask(0)
    let owner: mode_t = 0o700
    _ = umask(before & ~owner)
    return before & owner == 0 ? nil : UInt32(before)
}

/// How large a file we may make, in bytes; nil where there is no limit (setrlimit(2)).
package func fileSizeLimit() -> UInt64? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0,
        limit.rlim_cur != rlim_t.max
    else { return nil }
    return UInt64(limit.rlim_cur)
}
