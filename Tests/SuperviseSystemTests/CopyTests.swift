import Glibc
import SuperviseSystem
import TestSupport
import Testing

@Suite("Copies of files")
struct CopyTests {
    private let disk = Disk()
    private let here: Scratch
    private let memory: Scratch

    init() throws {
        here = try Scratch()
        memory = try Scratch(in: "/dev/shm")
    }

    private func blocks(_ path: String) throws -> Int64 {
        var found = stat()
        try systemCall("stat") { stat(path, &found) }
        return Int64(found.st_blocks) * 512
    }

    /// Writes pieces of 64 KiB at these places, in KiB, of a file of this size.
    private func make(_ path: String, _ places: [Int], size: Int64) throws {
        let file = try systemCall("open") { open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640) }
        defer { close(file) }
        let piece = (0..<(64 << 10)).map { UInt8(truncatingIfNeeded: $0 &* 7 | 1) }
        for place in places {
            try systemCall("pwrite") { pwrite(file, piece, piece.count, off_t(place << 10)) }
        }
        try systemCall("ftruncate") { ftruncate(file, off_t(size)) }
        try systemCall("fsync") { fsync(file) }
    }

    private func digest(_ path: String) throws -> Digest {
        try disk.hashFile(path, startsWriting: false) { _ in true }.digest
    }

    @Test(
        "a copy is the same, and where there was a hole there is one",
        arguments: [
            ([], 0), ([], 50 << 20), ([0], 64 << 10), ([0], 65_537), ([0, 40 << 10], 50 << 20),
            ([20 << 10], 50 << 20), ([10 << 10], (10 << 20) + (64 << 10)),
            ([0, 64, 128], 192 << 10),
        ] as [([Int], Int64)])
    func holes(places: [Int], size: Int64) throws {
        for (from, to) in [(here, here), (here, memory), (memory, here), (memory, memory)] {
            let original = "\(from.path)/original"
            let copy = "\(to.path)/copy"
            try make(original, places, size: size)
            var copied = 0
            try disk.copyFile(original, to: copy) { count in
                copied += count
                return true
            }
            #expect(try disk.status(copy).size == size)
            #expect(try digest(copy) == digest(original))
            #expect(try blocks(copy) <= Int64(places.count * (64 << 10) + (64 << 10)))
            // What it says it has copied is what is there, not the holes.
            #expect(copied <= places.count * (64 << 10) + 4096)
            #expect(try disk.status(copy).mode == 0o600)
            try disk.removeFile(copy)
            try disk.removeFile(original)
        }
    }

    @Test("a file that says it is empty is read to its end")
    func unsized() throws {
        try disk.copyFile("/proc/self/status", to: "\(here.path)/copy") { _ in true }
        let text = try disk.readFile("\(here.path)/copy", limit: 1 << 20)
        #expect(String(decoding: text, as: UTF8.self).hasPrefix("Name:"))
    }

    @Test("nothing is written over, and links and FIFOs are no files")
    func refused() throws {
        try disk.writeFile("\(here.path)/file", [1])
        try disk.writeFile("\(here.path)/there", [2])
        try disk.makeLink("\(here.path)/link", to: "file")
        try systemCall("mkfifo") { mkfifo("\(here.path)/pipe", 0o600) }
        for name in ["link", "pipe"] {
            let error = #expect(throws: SystemError.self) {
                try disk.copyFile("\(here.path)/\(name)", to: "\(here.path)/copy") { _ in true }
            }
            #expect(error?.isNoRegularFile == true)
        }
        #expect(throws: SystemError.self) {
            try disk.copyFile("\(here.path)/file", to: "\(here.path)/there") { _ in true }
        }
        #expect(try disk.readFile("\(here.path)/there", limit: 9) == [2])
    }
}
