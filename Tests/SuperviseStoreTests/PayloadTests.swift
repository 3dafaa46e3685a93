import Glibc
import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import SuperviseText
import TestSupport
import Testing

@Suite("what a payload may hold")
struct PayloadTests {
    private func refusal(_ make: (RealScene, String) throws -> Void) throws -> StoreError? {
        let real = try RealScene()
        let data = try real.begin(id(1), [("model", [1])])
        try make(real, data)
        let error = #expect(throws: StoreError.self) {
            try real.store.staging.commit(real.scene.order(id(1)))
        }
        #expect(try real.store.checkpoints.scan().checkpoints.isEmpty)
        return error
    }

    @Test(
        "a link that leads out, to nothing, or round and round is refused",
        arguments: [
            "/etc/passwd", "..", "../..", "../../../other", "nothing", "inner/../../x", "link",
            "inner/up/../manifest.json", "./inner/../../data/model",
        ])
    func escapes(target: String) throws {
        let error = try refusal { real, data in
            try real.disk.makeDirectory("\(data)/inner")
            // A link within, by which another one might climb out.
            try real.disk.makeLink("\(data)/inner/up", to: "..")
            try real.disk.makeLink("\(data)/link", to: target)
        }
        guard case .badPath(let path, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(path.hasSuffix("/data/link"))
        #expect(error?.protocolCode == .badPath)
    }

    @Test("links that stay inside are kept, and noticed when they change")
    func links() throws {
        let real = try RealScene()
        let data = try real.begin(id(1), [("model-2", [1])])
        try real.disk.makeDirectory("\(data)/inner")
        try real.disk.makeLink("\(data)/latest", to: "model-2")
        try real.disk.makeLink("\(data)/inner/up", to: "..")
        try real.disk.makeLink("\(data)/inner/far", to: "up/inner/../latest")
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        #expect(try real.scene.isGood(id(1)))
        #expect(try real.sha256sum(id(1)) == 0)
        let link = real.scene.path(id(1), "data/latest")
        #expect(try real.disk.readLink(link) == "model-2")
        try real.disk.removeFile(link)
        #expect(try !real.scene.isGood(id(1)))
        try real.disk.makeLink(link, to: "inner")
        #expect(
            try real.store.checkpoints.verify(id(1))
                == .bad(reason: "its symbolic links have changed"))
    }

    @Test("a FIFO, a socket and a name that is not UTF-8 are refused by name")
    func oddThings() throws {
        let fifo = try refusal { _, data in
            try systemCall("mkfifo") { mkfifo("\(data)/pipe", 0o600) }
        }
        #expect(fifo?.description.contains("data/pipe is a socket, a FIFO or a device") == true)
        let socket = try refusal { _, data in
            try systemCall("mknod") { mknod("\(data)/s", S_IFSOCK | 0o600, 0) }
        }
        #expect(socket?.protocolCode == .badPath)
        let name = try refusal { _, data in
            let path = Array("\(data)/".utf8CString.dropLast()) + [CChar(bitPattern: 0xFF), 0]
            let file = try systemCall("open") { open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600) }
            close(file)
        }
        #expect(name?.description.contains("not UTF-8") == true)
    }

    @Test("a checkpoint without a file is refused, and can still get one")
    func empty() throws {
        let real = try RealScene()
        let data = try real.store.staging.make(id(1))
        try real.disk.makeDirectory("\(data)/directory")
        #expect(throws: StoreError.emptyCheckpoint(id(1))) {
            try real.store.staging.commit(real.scene.order(id(1)))
        }
        try real.disk.writeFile("\(data)/directory/file", [])
        _ = try real.store.staging.commit(real.scene.order(id(1)))
        #expect(try real.scene.isGood(id(1)))
    }

    @Test("names in messages stay on one line")
    func oneLine() throws {
        let error = try refusal { _, data in
            try systemCall("mkfifo") { mkfifo("\(data)/new\nline\u{1B}[31m", 0o600) }
        }
        let text = try #require(error?.description)
        #expect(!text.contains("\n") && !text.contains("\u{1B}"))
    }

    @Test("how much was written so far is told, and dropping it leaves nothing")
    func stagingSize() throws {
        let real = try RealScene()
        #expect(try real.store.staging.size(id(1)) == (0, 0))
        let data = try real.begin(id(1), [("a", [1, 2, 3])])
        try real.disk.makeDirectory("\(data)/b")
        try real.disk.writeFile("\(data)/b/c", [4, 5])
        #expect(try real.store.staging.size(id(1)) == (5, 2))
        try real.store.staging.drop(id(1))
        try real.store.staging.drop(id(1))
        let scan = try real.store.checkpoints.scan()
        #expect(scan.staging.isEmpty && scan.trash.isEmpty)
    }
}
