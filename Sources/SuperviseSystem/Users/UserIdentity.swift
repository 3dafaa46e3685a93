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
