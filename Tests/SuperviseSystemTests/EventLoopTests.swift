import Glibc
import SuperviseSystem
import Synchronization
import Testing

@Suite("The event loop")
struct EventLoopTests {
    @Test("a handler that cancels another registration silences an event of the same batch")
    func cancelledInTheSameBatch() throws {
        let loop = try EventLoop()
        let pipes = [try FilledPipe(), try FilledPipe()]
        var registrations: [EventLoop.Registration] = []
        var calls: [Int] = []
        for index in 0...1 {
            registrations.append(
                try loop.watch(pipes[index].pipe.read.rawValue, for: .read) { _ in
                    calls.append(index)
                    loop.cancel(registrations[1 - index])
                    loop.stop()
                })
        }
        try loop.run()
        #expect(calls.count == 1)
        // The one that is left goes on being served.
        try loop.run()
        #expect(calls == [calls[0], calls[0]])
    }

    @Test("a late event never reaches the next user of the same descriptor number")
    func lateEvent() throws {
        let loop = try EventLoop()
        let pipes = [try FilledPipe(), try FilledPipe(), try FilledPipe(empty: true)]
        let number = pipes[1].pipe.read.rawValue
        var calls: [String] = []
        var old: EventLoop.Registration?
        // Watched first and so served first; by then the event of the other is under way, too.
        _ = try loop.watch(pipes[0].pipe.read.rawValue, for: .read) { _ in
            calls.append("first")
            old.map { loop.cancel($0) }
            // The number is another pipe's from here on, one with nothing to read.
            dup2(pipes[2].pipe.read.rawValue, number)
            _ = try? loop.watch(number, for: .read) { _ in calls.append("new") }
            var byte: UInt8 = 0
            _ = read(pipes[0].pipe.read.rawValue, &byte, 1)
            _ = write(pipes[0].pipe.write.rawValue, &byte, 1)
            if calls.count == 2 { loop.stop() }
        }
        old = try loop.watch(number, for: .read) { _ in calls.append("old") }
        try loop.run()
        #expect(calls == ["first", "first"])
    }

    @Test("with nothing to wait for a descriptor reports nothing, not even its end")
    func emptyInterest() throws {
        let loop = try EventLoop()
        let pipe = try FileDescriptor.pipe()
        var readiness: [EventLoop.Readiness] = []
        let registration = try loop.watch(pipe.read.rawValue, for: .read) { event in
            readiness.append(event)
            loop.stop()
        }
        try loop.change(registration, to: [])
        let reading = pipe.read.rawValue
        pipe.write.close()
        let timer = try TimerSource(on: loop) { loop.stop() }
        timer.set(.now() + .milliseconds(5))
        try loop.run()
        #expect(readiness.isEmpty)
        try loop.change(registration, to: .read)
        try loop.run()
        #expect(readiness == [.hangup], "\(reading)")
    }

    @Test("a regular file is refused, and so is a second watch of one descriptor")
    func refused() throws {
        let loop = try EventLoop()
        let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
        defer { close(file) }
        #expect(throws: SystemError(call: "epoll_ctl", code: EPERM, subject: "\(file)")) {
            try loop.watch(file, for: .read) { _ in }
        }
        let pipe = try FileDescriptor.pipe()
        let number = pipe.read.rawValue
        _ = try loop.watch(number, for: .read) { _ in }
        #expect(throws: SystemError(call: "epoll_ctl", code: EEXIST, subject: "\(number)")) {
            try loop.watch(number, for: .read) { _ in }
        }
    }

    @Test("write interest is served, and cancelling twice does nothing")
    func writing() throws {
        let loop = try EventLoop()
        let pipe = try FileDescriptor.pipe(nonblocking: [.read, .write])
        var seen: EventLoop.Readiness = []
        let registration = try loop.watch(pipe.write.rawValue, for: .write) { event in
            seen = event
            loop.stop()
        }
        try loop.run()
        loop.cancel(registration)
        loop.cancel(registration)
        #expect(seen == .write)
    }

    @Test("what is to wait for a quiet moment comes after the events that are ready, once")
    func whenQuiet() throws {
        let loop = try EventLoop()
        let filled = try FilledPipe()
        var calls: [String] = []
        loop.whenQuiet { calls.append("quiet") }
        _ = try loop.watch(filled.pipe.read.rawValue, for: .read) { _ in
            var byte: UInt8 = 0
            _ = read(filled.pipe.read.rawValue, &byte, 1)
            calls.append("event")
            loop.whenQuiet {
                calls.append("last")
                loop.stop()
            }
        }
        try loop.run()
        #expect(calls == ["event", "quiet", "last"])
    }

    @Test("what prepares a wait is done in every round, and may end it")
    func preparation() throws {
        let loop = try EventLoop()
        var rounds: [String] = []
        loop.beforeWaiting {
            rounds.append("prepared")
            if rounds.count == 3 { loop.stop() }
        }
        loop.whenQuiet { rounds.append("quiet") }
        try loop.run()
        #expect(rounds == ["prepared", "quiet", "prepared"])
    }

    @Test("a flood of events does not hold up for ever what waits for a quiet moment")
    func neverQuiet() throws {
        let loop = try EventLoop()
        let filled = try FilledPipe()
        var events = 0
        // Never read, and so always ready.
        _ = try loop.watch(filled.pipe.read.rawValue, for: .read) { _ in events += 1 }
        loop.whenQuiet { loop.stop() }
        try loop.run()
        #expect((2...100).contains(events))
    }
}

@Suite("Timers")
struct TimerTests {
    @Test("an alarm goes off at its time and not before, and once")
    func goesOff() throws {
        let loop = try EventLoop()
        let deadline = MonotonicTime.now() + .milliseconds(20)
        var fired: [MonotonicTime] = []
        let timer = try TimerSource(on: loop) {
            fired.append(.now())
            loop.stop()
        }
        timer.set(deadline)
        try loop.run()
        #expect(fired.count == 1 && fired[0] >= deadline)
    }

    @Test("a moment that has passed goes off at once; an alarm that was taken back never does")
    func pastAndDisarmed() throws {
        let loop = try EventLoop()
        let never = try TimerSource(on: loop) { Issue.record("it was taken back") }
        never.set(MonotonicTime(nanoseconds: 0))
        never.set(nil)
        let timer = try TimerSource(on: loop) { loop.stop() }
        timer.set(MonotonicTime(nanoseconds: -5))
        try loop.run()
    }

    @Test("times add and subtract, and what is too far away is the end of time")
    func arithmetic() {
        let start = MonotonicTime(nanoseconds: 1_000)
        #expect((start + .seconds(2)).nanoseconds == 2_000_001_000)
        #expect((start + .seconds(Int64.max)).nanoseconds == .max)
        #expect(MonotonicTime(nanoseconds: 5) - start == .nanoseconds(-995))
        #expect(Duration.milliseconds(1500).nanoseconds == 1_500_000_000)
        #expect(wallClockNow() > 1_700_000_000_000_000_000)
    }
}

@Suite("Mailboxes and worker lanes")
struct ThreadTests {
    @Test("messages of many threads all arrive, those of one thread in their order")
    func mailbox() throws {
        let loop = try EventLoop()
        var received: [Int: [Int]] = [:]
        var count = 0
        let box = try Mailbox<(Int, Int)>(on: loop) { messages in
            #expect(!messages.isEmpty)
            for (sender, number) in messages { received[sender, default: []].append(number) }
            count += messages.count
            if count == 4000 { loop.stop() }
        }
        let lane = WorkerLane(name: "senders", threads: 4)
        for sender in 0..<4 {
            lane.submit { for number in 0..<1000 { box.post((sender, number)) } }
        }
        try loop.run()
        #expect(received.count == 4 && received.values.allSatisfy { $0 == Array(0..<1000) })
    }

    @Test("a lane of one thread keeps the order, and an urgent job comes before those that wait")
    func order() throws {
        let loop = try EventLoop()
        var done: [String] = []
        let box = try Mailbox<String>(on: loop) { messages in
            done += messages
            if messages.last == "last" { loop.stop() }
        }
        let lane = WorkerLane(name: "records", threads: 1)
        let gate = try FileDescriptor.pipe()
        let (opened, open) = (gate.read.rawValue, gate.write.rawValue)
        // Holds the thread until all the others are in the queue.
        lane.submit {
            var byte: UInt8 = 0
            _ = read(opened, &byte, 1)
            box.post("first")
        }
        for number in 1...3 { lane.submit { box.post("\(number)") } }
        lane.submit(first: true) { box.post("urgent") }
        lane.submit { box.post("last") }
        var byte: UInt8 = 1
        _ = write(open, &byte, 1)
        try loop.run()
        // The first job may not have begun when the urgent one came.
        #expect(
            done == ["first", "urgent", "1", "2", "3", "last"]
                || done == ["urgent", "first", "1", "2", "3", "last"])
    }

    @Test("the threads of a lane have its name, and every signal is blocked in them")
    func threads() throws {
        let loop = try EventLoop()
        var seen: [String] = []
        let box = try Mailbox<[String]>(on: loop) { messages in
            seen = messages[0]
            loop.stop()
        }
        let lane = WorkerLane(name: "bulk", threads: 2)
        lane.submit {
            let status = (try? readSmallFile("/proc/thread-self/status")) ?? ""
            box.post(status.split(separator: "\n").map(String.init))
        }
        try loop.run()
        #expect(seen.contains("Name:\tbulk"))
        // All but SIGKILL, SIGSTOP and the two of the C library.
        #expect(seen.contains("SigBlk:\tfffffffe7ffbfeff"))
    }

    @Test("a bell ends one wait, however often it was rung before")
    func bell() throws {
        let bell = try Bell()
        #expect(!bell.wait(atMost: .zero))
        bell.ring()
        bell.ring()
        #expect(bell.wait(atMost: .zero))
        #expect(!bell.wait(atMost: .zero))
        bell.ring()
        #expect(bell.wait(atMost: .seconds(60)))
    }

    @Test("jobs run beside each other where there are threads for it")
    func parallel() throws {
        let lane = WorkerLane(name: "bulk", threads: 2)
        let there = try FileDescriptor.pipe()
        let back = try FileDescriptor.pipe()
        let loop = try EventLoop()
        let box = try Mailbox<Int>(on: loop) { _ in loop.stop() }
        let (thereRead, thereWrite) = (there.read.rawValue, there.write.rawValue)
        let (backRead, backWrite) = (back.read.rawValue, back.write.rawValue)
        // Each waits for the other: with one thread this would never end.
        lane.submit {
            var byte: UInt8 = 1
            _ = write(thereWrite, &byte, 1)
            _ = read(backRead, &byte, 1)
            box.post(1)
        }
        lane.submit {
            var byte: UInt8 = 1
            _ = read(thereRead, &byte, 1)
            _ = write(backWrite, &byte, 1)
        }
        try loop.run()
    }
}

/// A pipe with a byte in it, or without.
private final class FilledPipe {
    let pipe: Pipe

    init(empty: Bool = false) throws {
        pipe = try FileDescriptor.pipe(nonblocking: .read)
        var byte: UInt8 = 1
        if !empty { _ = write(pipe.write.rawValue, &byte, 1) }
    }
}
