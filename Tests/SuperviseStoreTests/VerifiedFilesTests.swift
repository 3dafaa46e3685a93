import SuperviseFormats
import SuperviseSystem
import Testing

@testable import SuperviseStore

@Suite("The files that were hashed")
struct VerifiedFilesTests {
    private let id = CheckpointID(sequence: 1, step: nil)

    private func file(_ number: Int, size: Int64 = 5) -> HashedPayloadFile {
        HashedPayloadFile(
            path: FilePath("data/\(number)"),
            status: FileStatus(
                kind: .file, size: size, inode: UInt64(number), device: 1, modified: 3, changed: 4,
                mode: 0o600),
            digest: Digest.of([UInt8(number & 255)]))
    }

    @Test("are known again as long as nothing of them has changed")
    func known() {
        let verified = VerifiedFiles()
        let files = (0..<300).map { file($0) }
        verified.add(files.reversed(), of: id)
        func isKnown(_ one: HashedPayloadFile, in id: CheckpointID) -> Bool {
            verified.contains(one.path, one.status, one.digest, in: id)
        }
        #expect(files.allSatisfy { isKnown($0, in: id) })
        #expect(!isKnown(file(300), in: id) && !isKnown(file(5), in: .init(sequence: 2, step: nil)))
        let changes: [(inout HashedPayloadFile) -> Void] = [
            { $0.path = "data/6" }, { $0.status.size = 6 }, { $0.status.inode = 6 },
            { $0.status.device = 2 }, { $0.status.modified += 1 }, { $0.status.changed += 1 },
            { $0.status.kind = .link }, { $0.digest = Digest.of([6]) },
        ]
        for change in changes {
            var other = file(5)
            change(&other)
            #expect(!isKnown(other, in: id), "\(other)")
        }
        // Of that nothing was said before either.
        var sameMode = file(5)
        sameMode.status.mode = 0o644
        #expect(isKnown(sameMode, in: id))
        verified.forget(id)
        #expect(!isKnown(file(5), in: id))
    }
}
