import SuperviseSystem
import Testing

/// Who a name or a number is.
@Suite("User database")
struct UserDatabaseTests {
    private static let passwdText = """
        root:x:0:0:root:/root:/bin/bash
        # a comment
        ada:x:1000:100:Ada,,,:/home/ada:/bin/zsh
        bare:x:1001:1001::
        1002:x:7:7:a name of digits:/seven:
        broken:x:

        """
    private static let groupText = """
        root:x:0:
        users:x:100:ada,eve
        disk:x:6:eve,ada
        audio:x:29:ada
        adamant:x:30:adam

        """

    private let database: UserDatabase = UserDatabase(
        readFile: { path in
            ["/etc/passwd": Self.passwdText, "/etc/group": Self.groupText][path] ?? ""
        },
        ask: { base, key in
            switch (base, key) {
            case ("passwd", "eve"), ("passwd", "5000"): "eve:*:5000:5001:Eve:/home/eve:/bin/sh\n"
            case ("initgroups", "eve"): "eve                   5001 6 77\n"
            case ("group", "staff"): "staff:*:77:eve\n"
            default: ""
            }
        })

    private func problem(_ user: String, _ group: String? = nil) -> String? {
        do throws(UserDatabase.Problem) {
            _ = try database.identity(user: user, group: group)
            return nil
        } catch {
            return error.description
        }
    }

    @Test("a name is looked up with its group, its other groups, its home and its shell")
    func name() throws {
        #expect(
            try database.identity(user: "ada", group: nil)
                == UserIdentity(
                    user: 1000, group: 100, groups: [6, 29], name: "ada", home: "/home/ada",
                    shell: "/bin/zsh"))
    }

    @Test("a number is the same as its name, and a name that consists of digits goes first")
    func number() throws {
        #expect(
            try database.identity(user: "1000", group: nil)
                == database.identity(user: "ada", group: nil))
        #expect(try database.identity(user: "1002", group: nil).user == 7)
    }

    @Test("what is left empty has a default")
    func defaults() throws {
        let bare = try database.identity(user: "bare", group: nil)
        #expect(bare.home == "/" && bare.shell == "/bin/sh" && bare.groups == [])
    }

    @Test("another primary group leaves the supplementary ones", arguments: ["users", "100", "29"])
    func group(group: String) throws {
        let identity = try database.identity(user: "ada", group: group)
        #expect(identity.group == (group == "29" ? 29 : 100))
        #expect(identity.groups == (group == "29" ? [100, 6] : [6, 29]))
    }

    @Test("a number without an entry needs its group, and has no others")
    func unknownNumber() throws {
        #expect(
            try database.identity(user: "4711", group: "4712")
                == UserIdentity(
                    user: 4711, group: 4712, name: "4711", home: "/", shell: "/bin/sh"))
        #expect(problem("4711")?.contains("as in 4711:4711") == true)
    }

    @Test("whoever is not in the files is asked for elsewhere")
    func elsewhere() throws {
        for user in ["eve", "5000"] {
            let eve = try database.identity(user: user, group: "staff")
            #expect(eve.user == 5000 && eve.group == 77 && eve.home == "/home/eve")
            // The files' groups and the others', each once.
            #expect(eve.groups == [100, 6, 5001])
        }
    }

    @Test(
        "whoever is nowhere is told apart", arguments: ["adam", "broken", "4294967295", "-1", "x"])
    func nobody(user: String) {
        #expect(problem(user) == "there is no user \(user)")
        #expect(problem("ada", user) == "there is no group \(user)")
    }

    @Test("this machine's own root is found, and a program that is not there is an error")
    func real() throws {
        let root = try UserDatabase().identity(user: "root", group: nil)
        #expect(root.user == 0 && root.group == 0 && root.name == "root")
        #expect(try outputOfProgram(["sh", "-c", "echo said; exit 3"]) == "said\n")
        #expect(throws: SystemError.self) { try outputOfProgram(["no-such-program"]) }
    }
}
