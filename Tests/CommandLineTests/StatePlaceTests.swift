import Glibc
import SuperviseFormats
import SuperviseHost
import SuperviseSystem
import Testing
import SuperviseText

@testable import supervise

@Suite("the place of the state")
struct StatePlaceTests {
    private func chosen(_ given: String?, _ environment: [String: String]) throws -> StatePlace {
        try StatePlace.choose(given: given, place(environment))
    }

    @Test("is the first of what is said about it")
    func order() throws {
        var environment = [
            "STATE_DIRECTORY": "/var/lib/a:/var/lib/b", "XDG_STATE_HOME": "/xdg",
        ]
        #expect(
            try chosen("/given", environment) == StatePlace(directory: "/given", isChosen: true))
        #expect(
            try chosen(nil, environment) == StatePlace(directory: "/var/lib/a", isChosen: true))
        environment["STATE_DIRECTORY"] = ""
        #expect(
            try chosen(nil, environment)
                == StatePlace(directory: "/xdg/supervise", isChosen: false))
        environment["XDG_STATE_HOME"] = "relative"
        #expect(
            try chosen(nil, environment)
                == StatePlace(directory: "/home/ada/.local/state/supervise", isChosen: false))
    }

    @Test("is taken from the option's variable before systemd's")
    func variable() throws {
        let surroundings = place(["SUPERVISE_STATE_DIR": "here", "STATE_DIRECTORY": "/var/lib/a"])
        #expect(try request(["--", "true"], surroundings).stateDirectory == "/work/here")
    }

    @Test("needs a home where nothing else is said", arguments: ["", "relative"])
    func noHome(home: String) {
        #expect(
            complaint(["--", "true"], place(["HOME": home]))
                == Complaint(
                    "there is no place for the state, as HOME is not set: give --state-dir DIR",
                    status: 125))
    }

    @Test("is in every hint where HOME is / or not set, and a start says that it is kept in /")
    func homeless() throws {
        let alone = try request(["--", "true"], place(["HOME": "/"]))
        #expect(alone.placeOption == ["--state-dir", "/.local/state/supervise"])
        #expect(alone.notes.count == 1 && alone.notes[0].contains("--state-dir DIR"))
        for home in ["/", "//", ""] {
            let surroundings = place(["HOME": home, "SUPERVISE_STATE_DIR": "/state"])
            let request = try request(["--", "true"], surroundings)
            #expect(request.placeOption == ["--state-dir", "/state"] && request.notes.isEmpty)
        }
        let usual = try request(["--", "true"])
        #expect(usual.placeOption.isEmpty && usual.notes.isEmpty)
        let given = try request(["--state-dir", "here", "--", "true"])
        #expect(given.placeOption == ["--state-dir", "here"])
        let last = EventText.ending(
            Outcome(kind: .stopped), of: "a", progress: .init(), at: given.placeOption)
        #expect(last.contains("To go on: supervise resume a --state-dir here (or"))
    }

    @Test(
        "is an absolute path without needless parts",
        arguments: [
            ("a", "/work/a"), ("./a/", "/work/a"), ("/a//b/./c", "/a/b/c"), ("../a", "/work/../a"),
            ("/", "/"), (".", "/work"), ("~", "/home/ada"), ("~/a", "/home/ada/a"),
            ("~b", "/work/~b"),
        ])
    func absolute(path: String, expected: String) throws {
        #expect(try place().absolute(path) == expected)
    }

    @Test("is found from a working directory that is gone, where nothing goes by that")
    func goneDirectory() throws {
        var gone = place(["XDG_STATE_HOME": "/nowhere"])
        gone.directory = .failure(SystemError(call: "getcwd", code: ENOENT, subject: ""))
        #expect(try answer(["list"], gone).status == 0)
        #expect(try request(["--chdir", "/", "--", "true"], gone).directory == "/")
        let complained = Complaint(
            "cannot find out which directory this is: getcwd: No such file or directory; "
                + "call it from another one")
        #expect(complaint(["list", "--state-dir", "here"], gone) == complained)
        #expect(complaint(["--", "true"], gone) == complained)
    }

    @Test(
        "tells from the locale whether only plain characters are sure to be shown",
        arguments: [
            ([:], false), (["LANG": "en_US.UTF-8"], false), (["LANG": "C"], true),
            (["LC_ALL": "C.utf8", "LANG": "C"], false), (["LC_ALL": "", "LANG": "POSIX"], true),
            (["LC_CTYPE": "de_DE@euro", "LANG": "en_US.UTF-8"], true),
        ])
    func plain(environment: [String: String], isPlain: Bool) {
        #expect(place(environment).isPlain == isPlain)
    }
}
