import SuperviseFormats
import Testing

@testable import SuperviseCore

@Suite("The table of what is mounted")
struct MountTableTests {
    private let table = MountTable(
        """
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
        30 22 8:16 / /var/lib/supervise rw shared:2 master:1 - xfs /dev/sdb rw
        31 22 8:32 / /mnt/my\\040disk rw - ext4 /dev/disk/by-label/a\\134b rw
        32 22 0:40 / /auto rw shared:9 - autofs systemd-1 rw
        33 22 0:41 / /both rw - autofs systemd-1 rw
        34 33 8:48 / /both rw - ext4 /dev/sdd rw
        a line that is none

        """)

    @Test(
        "tells the file system that a path is on",
        arguments: [
            ("/", "/", "ext4", "/dev/sda1"), ("/var/lib", "/", "ext4", "/dev/sda1"),
            ("/var/lib/supervise", "/var/lib/supervise", "xfs", "/dev/sdb"),
            ("/var/lib/supervise/a/b", "/var/lib/supervise", "xfs", "/dev/sdb"),
            ("/var/lib/supervise2", "/", "ext4", "/dev/sda1"),
            ("/mnt/my disk/a", "/mnt/my disk", "ext4", "/dev/disk/by-label/a\\b"),
            ("/both/a", "/both", "ext4", "/dev/sdd"),
        ])
    func entries(path: String, point: String, kind: String, source: String) throws {
        let entry = try #require(table.entry(of: FilePath(path)))
        #expect(entry == .init(point: FilePath(point), kind: kind, source: source))
        #expect(entry.isDisk == (point != "/"))
    }

    @Test("knows that an automount which has not happened is no disk")
    func automount() {
        #expect(table.entry(of: "/auto/a")?.isDisk == false)
        #expect(table.entry(of: "/both/a")?.isDisk == true)
    }

    @Test("tells nothing if it is empty")
    func empty() {
        #expect(MountTable("").entry(of: "/a") == nil)
    }
}
