import CLinux
import Glibc

/// What a path is on: the kind of file system, and what room it has.
package struct Mount: Equatable, Sendable {
    /// Such as `ext4`; `0x…` for one that has no name here.
    package var kind: String
    /// Bytes.
    package var size: Int64
    /// Bytes that an ordinary user may still write.
    package var free: Int64
    /// How many files it has room for; 0 where it does not count them.
    package var files: Int64
    package var freeFiles: Int64
    package var isReadOnly: Bool

    package init(
        kind: String, size: Int64, free: Int64, files: Int64, freeFiles: Int64, isReadOnly: Bool
    ) {
        self.kind = kind
        self.size = size
        self.free = free
        self.files = files
        self.freeFiles = freeFiles
        self.isReadOnly = isReadOnly
    }

    /// Of what is at a path.
    ///
    /// - Throws: ENOENT, EACCES, EIO, …
    package static func of(_ path: String) throws(SystemError) -> Mount {
        var found = cl_mount()
        try systemCall("statfs", path) { cl_mount_of(path, &found) }
        return Mount(
            kind: names[found.magic] ?? "0x" + String(found.magic, radix: 16),
            size: Int64(clamping: found.size), free: Int64(clamping: found.free),
            files: Int64(clamping: found.files), freeFiles: Int64(clamping: found.free_files),
            isReadOnly: found.read_only != 0)
    }

    /// From linux/magic.h and statfs(2).
    private static let names: [Int64: String] = [
        0xEF53: "ext4", 0x5846_5342: "xfs", 0x9123_683E: "btrfs", 0x2FC1_2FC1: "zfs",
        0xF2F5_2010: "f2fs", 0xCA45_1A4E: "bcachefs", 0x0102_1994: "tmpfs", 0x8584_58F6: "ramfs",
        0x794C_7630: "overlay", 0x0102_1997: "9p", 0x6573_5546: "fuse", 0x6969: "nfs",
        0xFF53_4D42: "cifs", 0xFE53_4D42: "smb2", 0x517B: "smb", 0x00C3_6400: "ceph",
        0x0BD0_0BD0: "lustre", 0x4750_4653: "gpfs", 0x5346_414F: "afs", 0x0116_1970: "gfs2",
        0x7461_636F: "ocfs2", 0x1983_0326: "beegfs", 0x4D44: "vfat", 0x2011_BAB0: "exfat",
        0x7366_746E: "ntfs", 0x7371_7368: "squashfs", 0xE0F5_E1E2: "erofs", 0x9660: "iso9660",
        0x6A65_6A63: "virtiofs",
    ]
}

/// Who may do what with a path.
package struct Ownership: Equatable, Sendable {
    package var user: UInt32
    /// The permissions, such as 0o700.
    package var mode: UInt32

    package init(user: UInt32, mode: UInt32) {
        self.user = user
        self.mode = mode
    }

    /// Of what is at a path: of a link itself.
    package static func of(_ path: String) throws(SystemError) -> Ownership {
        var found = stat()
        try systemCall("lstat", path) { lstat(path, &found) }
        return Ownership(user: found.st_uid, mode: UInt32(found.st_mode & 0o7777))
    }
}

/// Whether this process may write to what is at a path.
package func mayWrite(_ path: String) -> Bool {
    faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0
}
