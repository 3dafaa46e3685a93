import SuperviseFormats

/// A connection to the socket; a number is never used twice.
package struct ConnectionID: Hashable, Sendable {
    package let number: Int

    package init(_ number: Int) { self.number = number }
}

/// What happened in the world, told to ``Supervisor``.
package enum Event: Equatable, Sendable {
    /// The first one: everything is in place.
    case started
    /// Nothing that an earlier supervisor left of this run lives any more; what was ended.
    case leftoversEnded([String])
    /// Nobody can tell whether something of it is left, and why; what was ended so far. Answers
    /// ``Action/endLeftovers``, which may be ordered again.
    case leftoversUnseen(String, ended: [String])
    case verified(CheckpointID, Verification)
    /// Its verification goes on; told after some seconds, and every few seconds from then on.
    case verifying(CheckpointID, VerificationProgress)
    case compressed(CheckpointID, Compression)
    /// The record whose confirmation was asked for is durable.
    case recorded
    /// The same, of one that says how the run has ended.
    case lastRecorded
    case recordFailed(String)
    /// The same, as the machine is short of something: it may be written later.
    case recordRefused(String)
    /// No record is published from now on. With `isVisible` the last one was already, and only
    /// whether it is durable is unknown.
    case recordGivenUp(isVisible: Bool)
    /// Status and events are written, or cannot be.
    case filesFlushed
    /// Output is passed on, or nobody takes it any more.
    case outputFlushed
    /// Of a pipe each reader that lives has all that the job wrote; the rest may still be passed on.
    case readersServed
    /// How many bytes of the job's output nobody gets, of all that passed through us.
    case outputDiscarded(Int64)
    /// What our standard input is: before an attempt starts, when its leader has ended, and when all of it
    /// is gone.
    case inputSeen(Input)
    /// How many bytes of output readers have taken by now.
    case outputTaken(Int64)
    /// The source of the notice knows that all is saved, or cannot be told.
    case acknowledged
    /// The command runs.
    case spawned(pid: Int)
    case spawnFailed(SpawnFailure)
    /// The leader is gone, and all that it had said has been told before.
    case jobExited(JobEnd)
    /// The kernel ended so many processes of the attempt for lack of memory; told before the
    /// leader's end.
    case outOfMemory(processes: Int)
    /// No descendant of an attempt is left whose output passes through us: what it wrote last is still to
    /// be read.
    case treeGone
    /// The last lines that the attempt wrote; answers ``Action/readLastOutput(attempt:)``.
    case outputTail([String], attempt: Int)
    /// No descendant of the attempt is left, and none of its output is to be read.
    case descendantsGone
    /// What the processes of a job that hangs are doing, as far as it could be found out.
    case examined(Examination)
    /// What came of the command that was to look at it, for people.
    case onHangEnded(String)
    case received(JobMessage, from: ConnectionID, seq: Int64?)
    case disconnected(ConnectionID)
    /// A job that speaks sd_notify(3) says something.
    case noticed([JobNotice])
    case signal(Signal)
    case timer(TimerID)
    /// We were stopped, and the job with us, for so long until now.
    case stoodStill(Duration)
    case stagingMade(CheckpointID, path: String)
    case stagingMeasured(CheckpointID, StagingSize)
    /// A commit or an `add` is durable and visible.
    case committed(CheckpointSummary, seconds: Double)
    /// Staging could not be made, or a commit or an `add` failed; nothing of it is left.
    case commitFailed(CheckpointID, ProtocolError)
    /// A directory for it, a commit or an `add` found the disk full. What is staged is as it was,
    /// and the same order may succeed.
    case diskFull(CheckpointID, ProtocolError)
    /// Of those that were to be removed: which are gone, and which somebody is
    /// reading.
    case removed([CheckpointID], held: [CheckpointID])
    /// The archived runs of this name, in any order.
    case archives([ArchiveSummary])
    /// How many bytes it had; nil where it stays.
    case archiveRemoved(String, bytes: Int64?)
    /// Which are gone of it, and how many bytes they had.
    case archiveTrimmed(String, gone: [CheckpointID], bytes: Int64)
    /// In bytes; nil where the file system does not tell.
    case freeSpace(Int64?)
    /// nil where the pins are durable; else why they are as they were.
    case pinsSaved(ProtocolError?)
    /// Of what the job writes by itself: these look complete.
    case watched([WatchedFile])
    /// In order, and before ``watchFlushed``: the directories that fit a pattern, are not taken, and
    /// hold nothing that fits `--watch-complete`.
    case watchIncomplete([FilePath])
    /// All that fitted a pattern when ``Action/flushWatch`` or ``Action/gatherWatched(since:)`` was
    /// ordered has been told.
    case watchFlushed
    /// A signal that asks for a checkpoint was not sent, and why.
    case requestNotSent(String)
    /// Somebody who was asked outside has said something.
    case answered(InquiryID, Inquiry.Answer)
    case inquiryEnded(InquiryID, Inquiry.End)
    /// The machine refuses something for now; answered by ``Action/tryAgain``.
    case hindered(Hindrance)
    /// ``Action/tryAgain`` has been carried out; each failure was reported before this.
    case triedAgain
    /// A record is durable. Sent after a record that could not be written, and for the first record that
    /// reserves these numbers of attempts.
    case recordWritten(reserved: Int)
    case warned(String)
    /// A watched file that was reported under one name has another name now.
    case watchedRenamed(from: FilePath, to: FilePath)
    /// A watched content that may have been taken in place is no longer where it really was, links
    /// followed; and the name under which it is watched now.
    case payloadMoved(from: FilePath, to: FilePath)
    /// An order to take a watched file made no checkpoint, and nothing went wrong; nothing of it is left.
    case notAdded(CheckpointID, NotAdded)
    /// Whether SIGTERM is handled, or ignored, by the leader or by all descendants.
    case handlersFound(LastCloses.Hearers, Bool)
    /// Old output and old events that are gone for room; empty where there were none.
    case logsRemoved(RunEvent.LogsRemoved)
    /// Of those that were to be removed: these stay although nobody reads them, as the disk does not let
    /// go of them.
    case removalFailed([CheckpointID])
    /// Nobody reads this checkpoint any more, or it is gone; answers ``Action/awaitRelease(_:)``.
    case released(CheckpointID)

    package enum NotAdded: Equatable, Sendable {
        /// This checkpoint holds the same content.
        case sameAs(CheckpointID)
        /// The job had removed it by then.
        case gone
        /// ``Action/cancelAdd(_:)`` came in time.
        case cancelled
    }

    /// What the check of a checkpoint gave.
    package enum Verification: Equatable, Sendable {
        case good(metadata: [String: JSONValue])
        /// Its bytes are not those that were committed.
        case bad(String)
        /// It could not be read, which says nothing of its bytes.
        case unreadable(String)
        /// The machine is short of what reading it takes: it is to be tried again.
        case shortage(String)
    }

    /// Our standard input, which is the job's as well.
    package enum Input: Equatable, Sendable {
        /// A regular file, and where the next read begins.
        case file(offset: Int64)
        /// The bytes that wait in it, and whether anybody may write more.
        case pipe(waiting: Int, isOpen: Bool)
        /// A terminal, a device, a socket, or nobody can tell.
        case other
    }

    package struct VerificationProgress: Equatable, Sendable {
        /// Bytes of the payload that were read.
        package var done: Int64
        /// Of the whole payload.
        package var total: Int64
        /// Since it was begun.
        package var seconds: Double

        package init(done: Int64, total: Int64, seconds: Double) {
            self.done = done
            self.total = total
            self.seconds = seconds
        }
    }

    package struct Examination: Equatable, Sendable {
        package var text = ""
        package var processes = 0
        package var threads = 0

        package init(text: String = "", processes: Int = 0, threads: Int = 0) {
            self.text = text
            self.processes = processes
            self.threads = threads
        }
    }

    package enum Compression: Equatable, Sendable {
        /// It takes so much of the disk now.
        case done(bytes: Int64)
        /// Somebody is reading it, or the compression was cancelled.
        case notNow
        case failed(String)
    }

    package enum SpawnFailure: Equatable, Sendable {
        /// The command is not there; the exit status is 127.
        case notFound(String)
        /// It cannot be executed; the exit status is 126.
        case notExecutable(String)
        /// The system refused a new process.
        case system(String)
        /// The machine is short of something: the same start may succeed later.
        case shortage(String)
        /// The same, of a command that was started, and ended before anybody could watch it.
        case unwatched(String)
    }

    package enum Signal: Equatable, Sendable {
        /// SIGINT or SIGTERM.
        case stop(number: Int32, name: String)
        /// SIGHUP, where it was not ignored.
        case hangUp(number: Int32, name: String)
        /// The one that asks for a checkpoint.
        case checkpoint(name: String)
        /// The one that tells that the machine is taken away.
        case preempt(name: String)
        /// One that is the job's own affair.
        case other(number: Int32)
    }

    package struct StagingSize: Equatable, Sendable {
        package var bytes: Int64
        package var files: Int

        package init(bytes: Int64, files: Int) {
            self.bytes = bytes
            self.files = files
        }
    }
}

/// How the leader ended.
package enum JobEnd: Equatable, Sendable {
    case exited(Int)
    case signaled(number: Int, name: String)

    package var exitCode: Int? {
        if case .exited(let code) = self { code } else { nil }
    }

    package var signal: String? {
        if case .signaled(_, let name) = self { name } else { nil }
    }

    /// What a shell shows: the status, or 128 and the signal's number.
    package var shellStatus: Int32 {
        switch self {
        case .exited(let code): Int32(code)
        case .signaled(let number, _): 128 + Int32(number)
        }
    }
}

/// The timers of a supervisor; setting one again moves it.
package enum TimerID: Hashable, Sendable, CaseIterable {
    /// The next checkpoint is due.
    case interval
    /// An open request has had its time.
    case request
    /// The final checkpoint has had its time.
    case stopDeadline
    /// SIGTERM to a job that was asked to end and has not.
    case terminate
    /// SIGKILL to everything.
    case kill
    /// We end whatever is left.
    case abandon
    /// The next attempt starts.
    case backoff
    /// Progress is published.
    case publish
    /// The job may have given no sign for too long.
    case hang
    /// What is found out about a hang has had its time.
    case diagnosis
    /// Our service manager waits for a sign of life.
    case watchdog
    /// Somebody is to be asked whether the machine is taken away.
    case sources
    /// The machine is taken away, and the final checkpoint is to be asked for.
    case preemption
    /// What our end waits for has had its time.
    case close
    /// The last record is written again.
    case rewrite
    /// The end reports what it waits for.
    case reminder
    /// What the machine has refused is tried again.
    case again
    /// An attempt that operators wait for has lived for a second.
    case lived
    /// A start of the job has taken too long for records to wait for it.
    case records
    /// The last output of an attempt has had its time.
    case lastOutput
}

extension RunRecord {
    /// Whether processes of the run may still live.
    ///
    /// - Parameter bootID: of the machine's boot; nil if it cannot be read, so that it may be the same one.
    ///
    /// An attempt may run that the record does not show yet, for restarts do not wait for it: only
    /// a clean end says that nobody is left, and only where the record shows no attempt any more.
    package func mayHaveLeftovers(bootID: String?) -> Bool {
        // A record that was written without knowing its boot names none.
        let mayBeSameBoot = bootID == nil || self.bootID.isEmpty || self.bootID == bootID
        return mayBeSameBoot && attempt > 0 && (current != nil || outcome == nil)
    }
}
