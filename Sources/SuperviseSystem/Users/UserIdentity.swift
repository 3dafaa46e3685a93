import CLinux
import Glibc

/// Who a process is, and what it finds about itself in its environment.
package struct UserIdentity: Equatable, Sendable {
    package var user: UInt32
    /// The primary group.
    package var group: UInt32
    /// All groups but the primary one may stand here too.
    package var groups: [UInt32]
    /// Its number where it has no name.
    package var name: String
    package var home: String
    package var shell: String

    package init(
        user: UInt32, group: UInt32, groups: [UInt32] = [], name: String, home: String,
        shell: String
    ) {
        self.user = user
        self.group = group
        self.groups = groups
        self.name = name
        self.home = home
        self.shell = shell
    }
}

/// Does something in this thread with another user's rights to files, and no more than those; as we
/// are where `identity` is nil. Descriptors that are open stay as they are.
///
/// Whoever is given a path by a process with fewer rights opens it so, or it would open for that
/// process what the process itself cannot.
package func acting<Result, Failure: Error>(
    as identity: UserIdentity?, _ body: () throws(Failure) -> Result
) throws(Failure) -> Result {
    guard let identity else { return try body() }
    let count = max(0, getgroups(0, nil))
    var ours = [gid_t](repeating: 0, count: Int(count))
    let known = getgroups(count, &ours)
    precondition(known == count, "our groups have changed")
    let changed = cl_act_as(
        identity.user, identity.group, identity.groups, identity.groups.count)
    defer { cl_act_as_ourselves(ours, ours.count) }
    precondition(changed == 0, "the user was possible when we started, and is not now")
    return try body()
}
