import SuperviseFormats
import SuperviseStore
import SuperviseSystem
import TestSupport
import Testing

@Suite("power cuts")
struct CrashWalkTests {
    @Test(
        "the first record is there or not, and once it was saved it is there",
        arguments: [nil, "/big"])
    func firstSave(checkpointRoot: String?) throws {
        let walk = CrashWalk(
            prepare: { _ in },
            act: { scene in
                try scene.start()
                try scene.store.record.save(scene.record(commits: 1))
            }, checkpointRoot: checkpointRoot)
        let steps = try walk.run { scene, returned in
            let record = try scene.store.record.load()
            try expect(record != nil || !returned, "the record is gone")
            try expect(record == nil || record?.commits == 1, "it is another one")
        }
        #expect(steps >= 10)
    }

    @Test("a record that is replaced is the old one or the new one")
    func nextSave() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record(commits: 1))
            },
            act: { scene in
                try scene.start()
                try scene.store.record.save(scene.record(commits: 2))
            })
        try walk.run { scene, returned in
            let commits = try scene.store.record.load()?.commits
            try expect(commits == 2 || (!returned && commits == 1), "commits: \(commits ?? -1)")
        }
    }

    @Test(
        "a checkpoint is seen whole or not at all, and once it was committed it is there",
        arguments: [nil, "/big"])
    func commit(checkpointRoot: String?) throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.commit(id(1))
            },
            act: { scene in try scene.commit(id(2)) }, checkpointRoot: checkpointRoot)
        let steps = try walk.run { scene, returned in
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids == [id(1), id(2)] || (!returned && ids == [id(1)]), "there are \(ids)")
        }
        #expect(steps >= 17)
    }

    @Test("a file that is added becomes a checkpoint whole or not at all")
    func add() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.files.writeFile("/model.pt", Array("weights".utf8))
            },
            act: { scene in
                let order = AddOrder(source: "/model.pt", commit: scene.order(id(1)))
                _ = try scene.store.staging.add(order)
            })
        try walk.run { scene, returned in
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids == [id(1)] || (!returned && ids.isEmpty), "there are \(ids)")
        }
    }

    @Test("checkpoints that are removed are seen whole or not at all, and the others stay")
    func remove() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                for number in 1...4 { try scene.commit(id(Int64(number))) }
            },
            act: { scene in
                let removed = try scene.store.trash.remove([id(1), id(2)])
                #expect(removed == [id(1), id(2)])
            })
        try walk.run { scene, returned in
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids.suffix(2) == [id(3), id(4)], "there are \(ids)")
            try expect(!returned || ids.count == 2, "removed ones are back: \(ids)")
        }
    }

    @Test("removing is safe beside a start that sweeps what an earlier one moved away")
    func sweep() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.commit(id(1))
                try scene.commit(id(2))
                // Killed between the move and its fsync.
                try scene.files.rename(
                    scene.store.paths.checkpoint(id(1)),
                    to: "\(scene.store.paths.trash)/\(id(1))")
                try scene.write(id(3))
            },
            act: { scene in try scene.store.sweep() })
        try walk.run { scene, _ in
            let ids = try scene.store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids.last == id(2), "there are \(ids)")
        }
    }

    @Test("a checkpoint that is set aside is never lost, and never in both places")
    func setAside() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                for number in 1...4 { try scene.commit(id(Int64(number))) }
                _ = try scene.store.setAside(id(1))
                _ = try scene.store.setAside(id(2))
            },
            act: { scene in _ = try scene.store.setAside(id(3)) })
        try walk.run { scene, returned in
            let scan = try scene.store.checkpoints.scan()
            let seen = scan.checkpoints.map(\.id).contains(id(3))
            let isAside = scan.setAside.contains("\(id(3))")
            try expect(seen != isAside, "seen: \(seen), set aside: \(isAside)")
            try expect(!returned || isAside, "it is back")
            try expect(scan.setAside.contains("\(id(2))"), "the second newest is gone")
        }
    }

    @Test("the first checkpoint that is ever set aside is not lost")
    func firstSetAside() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.commit(id(1))
            },
            act: { scene in _ = try scene.store.setAside(id(1)) })
        try walk.run { scene, _ in
            let scan = try scene.store.checkpoints.scan()
            try expect(scan.checkpoints.count + scan.setAside.count == 1, "\(scan)")
        }
    }

    @Test("a status that is replaced is never mixed, and a torn one is put aside")
    func publish() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.store.derived.publish(status(attempt: 1))
            },
            act: { scene in try scene.store.derived.publish(status(attempt: 2)) })
        try walk.run { scene, _ in
            let attempt: Int?
            do throws(StoreError) {
                attempt = try scene.store.derived.readStatus()?.attempt
            } catch {
                guard case .garbage = error else { throw error }
                attempt = nil
            }
            try expect(attempt == nil || attempt == 1 || attempt == 2, "another one")
        }
    }

    @Test("events that are added never spoil those before them")
    func append() throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record())
                try scene.store.derived.append([event(1), event(2)])
                try scene.files.syncFile(scene.store.paths.events)
                try scene.files.syncDirectory(scene.store.paths.run)
            },
            act: { scene in
                try scene.store.derived.append([event(3)])
                try scene.store.derived.append([event(4), event(5)])
            })
        try walk.run { scene, _ in
            let events = try scene.store.derived.readEvents()
            try expect(events.starts(with: [event(1), event(2)]), "events: \(events.count)")
            try expect(events == (1...max(2, events.count)).map(event), "not in order")
        }
    }

    @Test("a run that is archived is here or there, and whole", arguments: [nil, "/big"])
    func archive(checkpointRoot: String?) throws {
        let walk = CrashWalk(
            prepare: { scene in
                try scene.start()
                try scene.store.record.save(scene.record(commits: 1))
                try scene.commit(id(1))
            },
            act: { scene in
                _ = try scene.store.archives.take(at: Timestamp(milliseconds: 1_700_000_000_000))
                try scene.start()
                try scene.store.record.save(scene.record(commits: 0))
            }, checkpointRoot: checkpointRoot)
        try walk.run { scene, returned in
            try scene.start()
            let record = try scene.store.record.load()
            try expect(record?.commits == 0 || !returned, "the new run is not there")
            if record?.commits == 1 {
                try expect(scene.isGood(id(1)), "the old run is damaged")
            } else {
                let archived = try Self.archived(scene, "20231114T221320Z")
                try expect(archived.record.load()?.commits == 1, "the old record is gone")
                let verification = try archived.checkpoints.verify(id(1))
                guard case .good = verification else { throw Unexpected("\(verification)") }
                try expect(
                    scene.store.checkpoints.scan().checkpoints.isEmpty, "the old checkpoint is back"
                )
            }
        }
    }

    /// Two archived runs, the older one with three checkpoints, and a run that has begun.
    private static func archiveTwo(_ scene: Scene) throws {
        for run in 0..<2 {
            try scene.start()
            try scene.store.record.save(scene.record(commits: 1))
            for number: Int64 in 1...3 { try scene.commit(id(number)) }
            let moment = Timestamp(milliseconds: 1_700_000_000_000 + Int64(run) * 1000)
            _ = try scene.store.archives.take(at: moment)
        }
        try scene.start()
        try scene.store.record.save(scene.record(commits: 9))
        try scene.commit(id(5))
    }

    private static func archived(_ scene: Scene, _ time: String) throws -> RunStore {
        let run = try #require(RunReference("run@\(time)"))
        let paths = RunPaths(archived: run, in: Scene.state)
        return RunStore(
            try ArchivedRun(RunStore(paths, files: scene.files)).locatePayload(), files: scene.files
        )
    }

    @Test(
        "an archived run that is removed is there whole or has no checkpoint, and the others stay",
        arguments: [nil, "/big"])
    func removeArchive(checkpointRoot: String?) throws {
        let walk = CrashWalk(
            prepare: Self.archiveTwo,
            act: { scene in
                let bytes = try scene.store.archives.remove("20231114T221320Z")
                #expect(bytes != nil)
            }, checkpointRoot: checkpointRoot)
        try walk.run { scene, returned in
            let times = try scene.store.archives.list().map(\.time)
            try expect(!returned || times == ["20231114T221321Z"], "there are \(times)")
            for time in times {
                let store = try Self.archived(scene, time)
                let isWhole = try store.isThere() && scene.files.exists(store.paths.checkpoints)
                let ids = isWhole ? try store.checkpoints.scan().checkpoints.map(\.id) : []
                try expect(ids == [id(1), id(2), id(3)] || (!returned && ids == []), "\(ids)")
                for id in ids { try expect(Self.isGood(store, id), "\(id) of \(time) is bad") }
                try expect(time != times.last || !ids.isEmpty, "the newest one is gone")
            }
            try expect(scene.isGood(id(5)), "the run itself is harmed")
        }
    }

    @Test(
        "of an archived run that is cut down each checkpoint is whole or not there",
        arguments: [nil, "/big"])
    func trimArchive(checkpointRoot: String?) throws {
        let walk = CrashWalk(
            prepare: Self.archiveTwo,
            act: { scene in
                let gone = try scene.store.archives.trim(
                    "20231114T221320Z", removing: [id(1), id(2)]
                ).gone
                #expect(gone == [id(1), id(2)])
            }, checkpointRoot: checkpointRoot)
        try walk.run { scene, returned in
            let store = try Self.archived(scene, "20231114T221320Z")
            let ids = try store.checkpoints.scan().checkpoints.map(\.id)
            try expect(ids.last == id(3) && (!returned || ids.count == 1), "there are \(ids)")
            for id in ids { try expect(Self.isGood(store, id), "\(id) is bad") }
            try expect(scene.isGood(id(5)), "the run itself is harmed")
        }
    }

    private static func isGood(_ store: RunStore, _ id: CheckpointID) throws -> Bool {
        guard case .good = try store.checkpoints.verify(id) else { return false }
        return true
    }
}

extension FileSystem {
    fileprivate func exists(_ path: String) throws -> Bool { (try? status(path)) != nil }
}
