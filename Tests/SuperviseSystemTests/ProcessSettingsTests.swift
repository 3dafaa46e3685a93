import Glibc
import SuperviseSystem
import Testing

/// What a child has otherwise than we have it.
@Suite("Process settings")
struct ProcessSettingsTests {
    private func request(_ change: (inout SpawnRequest) -> Void) -> SpawnRequest {
        var request = SpawnRequest(
            command: ["true"], environment: Scene.environment, standardInput: .null)
        change(&request)
        return request
    }

    private func failure(
        reach: [String] = [], _ change: (inout SpawnRequest) -> Void
    ) -> SystemError? {
        do throws(SystemError) {
            try rehearse(request(change), reach: reach)
            return nil
        } catch {
            return error
        }
    }

    @Test("a resource is called as its case is")
    func resourceNames() {
        for resource in ResourceLimit.Resource.allCases { #expect(resource.name == "\(resource)") }
    }

    @Test("a rehearsal of what is possible does everything but the command")
    func possible() throws {
        let directory = try TemporaryDirectory()
        let found = failure(reach: ["/", directory.path]) {
            $0.command = ["touch", directory.path + "/touched"]
            $0.directory = directory.path
            $0.settings.mask = 0o77
            $0.settings.niceness = 19
            $0.settings.limits = [ResourceLimit(.core, soft: 0, hard: 0)]
        }
        #expect(found == nil)
        #expect(!pathExists(directory.path + "/touched"))
    }

    @Test("what is not possible is told by its name, and changes nothing of us")
    func impossible() {
        let before = umask(0o22)
        umask(before)
        #expect(
            failure { $0.directory = "/no/such" }
                == SystemError(call: "chdir", code: ENOENT, subject: "/no/such"))
        #expect(
            failure {
                $0.settings.limits = [
                    ResourceLimit(.core, soft: 0, hard: 0),
                    ResourceLimit(.nofile, soft: 1 << 40, hard: 1 << 40),
                ]
            } == SystemError(call: "setrlimit", code: EPERM, subject: "nofile"))
        #expect(
            failure(reach: ["/", "/etc/passwd/x"]) { $0.settings.mask = 0 }
                == SystemError(call: "access", code: ENOTDIR, subject: "/etc/passwd/x"))
        #expect(umask(before) == before)
        #expect(descriptorLimit() > 0)
    }

    @Test(
        "whoever the child becomes cannot do what that one cannot",
        .enabled(if: userId() == 0, "only root can become others"))
    func identity() throws {
        let directory = try TemporaryDirectory()
        let other = UserIdentity(
            user: 65534, group: 65533, groups: [7, 8], name: "it", home: "/", shell: "/bin/sh")
        #expect(
            failure(reach: ["/", directory.path]) { $0.settings.identity = other }
                == SystemError(call: "access", code: EACCES, subject: directory.path))
        #expect(
            failure {
                $0.settings.identity = other
                $0.directory = directory.path
            } == SystemError(call: "chdir", code: EACCES, subject: directory.path))
        #expect(
            failure {
                $0.settings.identity = other; $0.settings.niceness = -5
            }
                == failure { $0.settings.niceness = -5 })
    }

    @Test(
        "files are opened with another's rights in one thread alone, and then with ours again",
        .enabled(if: userId() == 0, "only root can become others"))
    func acting() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write("secret", "x", mode: 0o600)
        let other = UserIdentity(
            user: 65534, group: 65533, groups: [7], name: "it", home: "/", shell: "/bin/sh")
        let status = { try readSmallFile("/proc/thread-self/status") }
        func lines(_ text: String) -> [String] {
            text.split(separator: "\n").map(String.init).filter { line in
                ["Uid:", "Gid:", "Groups:"].contains { line.hasPrefix($0) }
            }
        }
        let before = lines(try status())
        try SuperviseSystem.acting(as: other) {
            #expect(throws: SystemError.self) { try readSmallFile(file) }
            let now = lines(try status())
            #expect(now[0].hasSuffix("\t65534") && now[1].hasSuffix("\t65533"))
            #expect(now[2].contains("7"))
        }
        #expect(lines(try status()) == before)
        #expect(try readSmallFile(file) == "x")
    }
}
