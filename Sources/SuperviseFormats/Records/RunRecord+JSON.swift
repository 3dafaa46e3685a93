/// The record as it is written, without `JSONEncoder` (see ``JSONWriter``).
extension RunRecord {
    /// One line, without its end: byte for byte what ``JSONText`` makes of it.
    package var json: [UInt8] {
        var writer = JSONWriter()
        writer.object(write)
        return writer.bytes
    }

    private func write(_ json: inout JSONWriter) {
        json.member("attempt", attempt)
        json.member("attempts_reserved", attemptsReserved.map(Int64.init))
        json.member("best_step", bestStep)
        json.member("boot_id", bootID)
        json.member("branches", branches) { $0.write(&$1) }
        json.member("checkpoint_directory", checkpointDirectory)
        json.member("command", command)
        json.member("commits", commits)
        json.member("created", created.description)
        if let current {
            json.member("current") { current.write(&$0) }
        } else {
            json.null("current")
        }
        json.member("directory", directory)
        if let environment {
            json.member("environment") { environment.write(&$0) }
        } else {
            json.null("environment")
        }
        json.member("experience") { experience.write(&$0) }
        json.member("failures") { failures.write(&$0) }
        json.member("format", RecordFormat.newest)
        if let home {
            json.member("home") { home.write(&$0) }
        } else {
            json.null("home")
        }
        json.member("host", host)
        json.member("name", name)
        json.member("named_steps", namedSteps?.rawValue)
        json.member("options") { json in
            for (key, value) in options.sorted(by: { $0.key < $1.key }) { json.member(key, value) }
        }
        if let outcome {
            json.member("outcome") { outcome.write(&$0) }
        } else {
            json.null("outcome")
        }
        json.member("program", program)
        json.member("progress") { progress.write(&$0) }
        json.member("run_token", runToken)
        json.member("sequence", sequence)
        json.member("shared_through", sharedThrough)
        json.member("supervisor_pid", supervisorPID)
        json.member("totals") { totals.write(&$0) }
    }
}

extension RunRecord.Fork {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("asked", asked)
        json.member("first", first)
        json.member("parent", parent)
    }
}

extension Home {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("device", id.device)
        json.member("inode", id.inode)
        json.member("path", path)
    }
}

extension RunRecord.Attempt {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("progressed", progressed)
        json.member("resumed_from", resumedFrom?.description)
        json.member("started", started.description)
        json.member("token", token)
    }
}

extension KeptEnvironment {
    fileprivate func write(_ json: inout JSONWriter) {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) { json.member(name, value) }
    }
}

extension RunRecord.Failures {
    fileprivate func write(_ json: inout JSONWriter) {
        if let last {
            json.member("last") { last.write(&$0) }
        } else {
            json.null("last")
        }
        json.member("suspects") { json in
            for (id, count) in suspects.sorted(by: { $0.key < $1.key }) { json.member(id, count) }
        }
        json.member("total", total)
        json.member("without_progress", withoutProgress)
    }
}

extension Failure {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("at", at.description)
        json.member("at_start", atStart)
        json.member("attempt", attempt)
        json.member("error", error)
        json.member("exit_code", exitCode.map(Int64.init))
        json.member("kind", kind.rawValue)
        json.member("lost_s", lostSeconds)
        json.member("output_tail", outputTail)
        json.member("report", report)
        json.member("signal", signal)
    }
}

extension Outcome {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("exit_code", exitCode.map(Int64.init))
        json.member("kind", kind.rawValue)
        json.member("reason", reason?.rawValue)
        json.member("signal", signal)
    }
}

extension Totals {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("checkpoint_s", checkpoint)
        json.member("down_s", down)
        json.member("goodput", goodput)
        json.member("lost_s", lost)
        json.member("useful_s", useful)
        json.member("wall_s", wall)
    }
}

extension Experience {
    fileprivate func write(_ json: inout JSONWriter) {
        json.member("cost_s", cost)
        json.member("failures", failures)
        json.member("measured", measured)
        json.member("ran_s", ran)
        json.member("recent_costs_s", recent)
        json.member("wait_s", wait)
    }
}
