import SuperviseCore
import SuperviseFormats
import Testing

@Suite("Where a state comes from")
struct StateOriginTests {
    typealias Processes = StateOrigin.Processes
    typealias Original = StateOrigin.Original
    typealias Verdict = StateOrigin.Verdict

    static let here = Home(path: "/s/it", id: DirectoryID(device: 1, inode: 10))
    static let homes: [Home?] = [
        here, nil, Home(path: "/old/it", id: DirectoryID(device: 1, inode: 10)),
        Home(path: "/s/it", id: DirectoryID(device: 2, inode: 10)),
        Home(path: "/s/it", id: DirectoryID(device: 1, inode: 11)),
        Home(path: "/old/it", id: DirectoryID(device: 2, inode: 10)),
    ]
    static let processes: [Processes] = [
        .unknown, .found([]), found(true), found(false), found(nil), found(true, nil),
        found(true, false),
    ]

    private static func found(_ sockets: Bool?...) -> Processes {
        .found(
            sockets.enumerated().map { .init(pid: Int32($0.offset + 1), hasOurSocket: $0.element) })
    }

    private func all(_ body: (StateOrigin) -> Void) {
        for home in Self.homes {
            for processes in Self.processes {
                for original in [Original.exists, .gone, .unknown] {
                    for isSameHost in [true, false] {
                        body(
                            StateOrigin(
                                recorded: home, now: Self.here, isSameHost: isSameHost,
                                processes: processes, original: original))
                    }
                }
            }
        }
    }

    private func isLiving(_ origin: StateOrigin) -> Bool {
        if case .found(let found) = origin.processes { !found.isEmpty } else { false }
    }

    @Test("where the supervisor of the record lives, nothing starts, wherever the state is")
    func supervisor() {
        all { origin in
            var origin = origin
            origin.supervisor = 9
            #expect(origin.verdict == .refused(.supervisor(9)))
        }
    }

    @Test("in the same directory all is as always, whatever it is called, and nobody is looked for")
    func sameDirectory() {
        all { origin in
            guard origin.recorded?.id == Self.here.id else { return }
            #expect(origin.verdict == .here)
            #expect(!StateOrigin.needsLook(recorded: origin.recorded, now: Self.here))
        }
    }

    @Test("in another directory, living processes are neither ended nor joined")
    func living() {
        all { origin in
            guard let recorded = origin.recorded, recorded.id != Self.here.id else { return }
            #expect(StateOrigin.needsLook(recorded: recorded, now: Self.here))
            if isLiving(origin) {
                guard case .refused(.processes(let pids)) = origin.verdict else {
                    Issue.record("\(origin)")
                    return
                }
                #expect(pids.first == 1)
            } else if origin.processes == .unknown, !recorded.isSamePlace(as: Self.here) {
                #expect(origin.verdict == .refused(.unknown))
            } else {
                #expect([.renew, .moved, .copied].contains(origin.verdict))
            }
        }
    }

    @Test("a reboot that renumbers disks is not worth a word, and may be a copy all the same")
    func renumbered() {
        let before = Home(path: "/s/it", id: DirectoryID(device: 2, inode: 10))
        for processes in [Processes.unknown, .found([])] {
            let origin = StateOrigin(
                recorded: before, now: Self.here, processes: processes, original: .gone)
            #expect(origin.verdict == .renew)
        }
    }

    @Test("a state was moved only if the original is surely gone; else it may be a copy")
    func movedOrCopied() {
        let old = Home(path: "/old/it", id: DirectoryID(device: 2, inode: 7))
        let expected: [(Original, Bool, Verdict)] = [
            (.gone, true, .moved), (.exists, true, .copied), (.unknown, true, .copied),
            (.gone, false, .copied), (.exists, false, .copied), (.unknown, false, .copied),
        ]
        for (original, isSameHost, verdict) in expected {
            let origin = StateOrigin(
                recorded: old, now: Self.here, isSameHost: isSameHost, original: original)
            #expect(origin.verdict == verdict)
        }
    }

    @Test("of an older record the sockets of its processes say whose they are")
    func olderRecord() {
        let expected: [(Processes, Original, Verdict)] = [
            (.unknown, .unknown, .here), (.found([]), .unknown, .renew),
            (.found([]), .gone, .renew),
            (.found([]), .exists, .copied), (Self.found(true), .exists, .here),
            (Self.found(true, nil), .unknown, .here),
            (Self.found(false), .gone, .refused(.processes([1]))),
            (Self.found(true, false), .gone, .refused(.processes([2]))),
            (Self.found(nil), .gone, .refused(.processes([1]))),
        ]
        for (processes, original, verdict) in expected {
            let origin = StateOrigin(
                recorded: nil, now: Self.here, processes: processes, original: original)
            #expect(origin.verdict == verdict, "\(origin)")
        }
    }
}
