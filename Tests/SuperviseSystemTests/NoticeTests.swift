import Glibc
import SuperviseSystem
import TestSupport
import Testing

@Suite("Sockets for notices")
struct NoticeTests {
    /// Our end of the socket of a manager, with a path.
    private func pair() throws -> (NoticeSocket, ServiceSocket, TemporaryDirectory) {
        let directory = try TemporaryDirectory()
        let manager = try NoticeSocket(path: directory.path + "/n")
        return (manager, try ServiceSocket(address: manager.path), directory)
    }

    @Test("a datagram comes as it was sent, from a sender whom the kernel knows")
    func arrives() throws {
        let (manager, service, directory) = try pair()
        #expect(try manager.receive() == nil)
        #expect(try service.send("READY=1\nSTATUS=é"))
        #expect(try service.send("WATCHDOG=1"))
        let first = try #require(try manager.receive())
        #expect(first.bytes == Array("READY=1\nSTATUS=é".utf8))
        #expect(first.sender.pid == processId() && first.sender.uid == userId())
        #expect(try manager.receive()?.bytes == Array("WATCHDOG=1".utf8))
        #expect(try manager.receive() == nil)
        withExtendedLifetime(directory) {}
    }

    @Test("one that is too long is dropped, and the next one is not")
    func tooLong() throws {
        let (manager, service, directory) = try pair()
        #expect(try service.send(String(repeating: "x", count: NoticeSocket.longest + 1)))
        #expect(try service.send("WATCHDOG=1"))
        #expect(try manager.receive()?.bytes == Array("WATCHDOG=1".utf8))
        withExtendedLifetime(directory) {}
    }

    @Test("descriptors that come with one are not kept")
    func descriptors() throws {
        let (manager, _, directory) = try pair()
        let script = """
            import array, os, select, socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            ours, theirs = os.pipe()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs]))]
            s.sendmsg([b"FDSTORE=1"], rights, 0, sys.argv[1])
            os.close(theirs)
            print("sent", flush=True)
            print("closed" if select.select([ours], [], [], 20)[0] else "kept", flush=True)
            """
        let python = try ShellCommand("python3 -c '\(script)' '\(manager.path)'")
        #expect(python.readLine() == "sent\n")
        #expect(try manager.receive()?.bytes == Array("FDSTORE=1".utf8))
        #expect(python.readLine() == "closed\n")
        withExtendedLifetime(directory) {}
    }

    @Test("a manager whose queue is full is not waited for")
    func full() throws {
        let (manager, service, directory) = try pair()
        var sent = 0
        while try service.send("WATCHDOG=1") { sent += 1 }
        #expect(sent > 0)
        #expect(try manager.receive() != nil)
        #expect(try service.send("WATCHDOG=1"))
        withExtendedLifetime(directory) {}
    }

    @Test("a manager whose address is in no file system is found")
    func abstract() throws {
        let name = "supervise-test-\(processId())"
        let script = """
            import socket, sys
            s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            s.bind(chr(0) + sys.argv[1])
            print("there", flush=True)
            print(s.recv(100).decode(), flush=True)
            """
        let python = try ShellCommand("python3 -c '\(script)' \(name)")
        #expect(python.readLine() == "there\n")
        #expect(try ServiceSocket(address: "@\(name)").send("READY=1"))
        #expect(python.readLine() == "READY=1\n")
    }

    @Test(
        "an address that is none is refused",
        arguments: [
            ("", EINVAL), ("@", EINVAL), ("run/n", EINVAL), ("vsock:2:1", EINVAL),
            ("/" + String(repeating: "a", count: 107), ENAMETOOLONG), ("/no/such/place", ENOENT),
        ])
    func refused(address: String, code: Int32) {
        #expect(throws: SystemError(call: "connect", code: code, subject: address)) {
            try ServiceSocket(address: address)
        }
    }

    @Test("the socket is for its owner alone")
    func permissions() throws {
        let (manager, _, directory) = try pair()
        #expect(try Disk().status(manager.path).mode & 0o777 == 0o600)
        manager.removeName()
        #expect(!pathExists(manager.path))
        withExtendedLifetime(directory) {}
    }
}
