import Glibc
import SuperviseSystem
import Testing

@Suite("Signals")
struct SignalTests {
    @Test("names and numbers lead to one another")
    func names() {
        #expect(signalName(9) == "SIGKILL")
        #expect(signalName(34) == "SIGRTMIN")
        #expect(signalName(37) == "SIGRTMIN+3")
        #expect(signalName(32) == "signal 32")
        for number in SignalSet.catchable.signals {
            #expect(signalNumber(signalName(number)) == number)
        }
        for (text, number) in [
            ("SIGUSR1", 10), ("USR1", 10), ("usr1", 10), ("10", 10), ("SIGIOT", 6), ("RTMAX", 64),
            ("SIGRTMAX-2", 62), ("RTMIN+1", 35), ("64", 64),
        ] as [(String, Int32)] {
            #expect(signalNumber(text) == number)
        }
        for text in [
            "", "SIG", "0", "65", "-9", "USR3", "RTMIN-1", "RTMIN+31", "RTMAX+1", "RTMIN+",
        ] {
            #expect(signalNumber(text) == nil, "\(text)")
        }
    }

    @Test("what can be caught leaves out the faults, SIGPIPE and what nobody can catch")
    func catchable() {
        let left = Set<Int32>(1...64).subtracting(SignalSet.catchable.signals)
        #expect(left == [4, 5, 6, 7, 8, 9, 11, 13, 19, 31, 32, 33])
        var set = SignalSet([1, 64])
        set.remove(1)
        set.remove(1)
        #expect(set.signals == [64] && !set.contains(0) && !set.contains(65))
    }

    @Test("signals arrive in the loop with their sender, after one another")
    func delivery() throws {
        let scene = try Scene("signals")
        #expect(try scene.readLine() == "ignored: false")
        for signal in [SIGUSR1, SIGHUP, SIGTSTP, 40] {
            try scene.child.process.signal(signal)
            #expect(try scene.readLine() == "\(signalName(signal)) from \(processId())")
        }
        try scene.child.process.signal(SIGTERM)
        #expect(try scene.waitForEnd() == .exited(0))
    }

    @Test("a signal that was ignored at the start is known to be")
    func ignoredAtStart() throws {
        let command = "trap '' HUP; exec \"$0\" signals"
        // Through a shell that goes on ignoring it, as our own children start with the defaults.
        let scene = try Scene(command: ["sh", "-c", command, try Scene.fixture()])
        #expect(try scene.readLine() == "ignored: true")
    }
}
