import SuperviseFormats

/// What ``Supervisor`` wants done, in order. Each that can fail or takes time answers with an event.
///
/// What is large is kept elsewhere (`indirect`), or each would take as much room as the largest, and be
/// copied with it.
package enum Action: Equatable, Sendable {
    /// End what an earlier supervisor left of this run; answers ``Event/leftoversEnded(_:)`` or
    /// ``Event/leftoversUnseen(_:ended:)``.
    case endLeftovers
    /// Check sizes and digests; answers ``Event/verified(_:_:)``. With `trusting`, files that this
    /// process has hashed before and that have not changed since count as verified.
    case verify(CheckpointID, trusting: Bool)
    case cancelVerification
    /// Make a checkpoint smaller, while nobody needs it; answers ``Event/compressed(_:_:)``.
    case compress(CheckpointID)
    /// Its answer still comes.
    case cancelCompression
    case setAside(CheckpointID, reason: String)
    /// Make the record durable; with `confirm` it answers ``Event/recorded`` (or
    /// ``Event/lastRecorded``, where it has an outcome), and on an error always
    /// ``Event/recordFailed(_:)``.
    indirect case record(RunRecord, confirm: Bool)
    /// Publish no record from now on; answers ``Event/recordGivenUp(isVisible:)``.
    case giveUpRecord
    /// Let records, status and events wait for ``releaseRecords``, but for those that are confirmed or
    /// flushed: a thread that wakes up now competes with the job's exec for a processor.
    case holdRecords
    case releaseRecords
    /// Start the command; answers `spawned` or `spawnFailed`, and after `spawned`, `jobExited`.
    case spawn(SpawnOrder)
    case send(SupervisorMessage, to: ConnectionID, seq: Int64?)
    /// Close once what was sent is out.
    case close(ConnectionID)
    case signalLeader(Int32)
    /// Ask the leader for a checkpoint by this signal, unless it would end by it; then it answers
    /// ``Event/requestNotSent(_:)``.
    case askBySignal(Settings.RequestSignal)
    /// Tell of all that fits a pattern of `--watch` and is not told yet, settled or not; answers
    /// ``Event/watchFlushed``.
    case flushWatch
    /// Tell of what was moved into place since then, while nobody looked; answers
    /// ``Event/watchFlushed``.
    case gatherWatched(since: Timestamp)
    /// This changed while it was taken: tell of it again when it is quiet.
    case watchAgain(FilePath, was: ContentMark? = nil)
    /// Look whether they handle SIGTERM; answers ``Event/handlersFound(_:_:)``.
    case lookForHandlers(LastCloses.Hearers)
    /// Give up to take this; answers ``Event/notAdded(_:_:)``, or ``Event/committed(_:seconds:)`` if
    /// that was quicker.
    case cancelAdd(CheckpointID)
    /// SIGSTOP to the leader and all its descendants.
    case pauseJob
    /// SIGCONT to them.
    case unpauseJob
    /// SIGKILL to the leader and all its descendants.
    case killEverything
    /// End the descendants of a leader that is gone; answers ``Event/descendantsGone``.
    case endDescendants(Urgency)
    /// Read what the attempt wrote last; answers ``Event/outputTail(_:attempt:)``.
    case readLastOutput(attempt: Int)
    /// Try everything again that ``Event/hindered(_:)`` has reported. Each failure is reported again, and
    /// ``Event/triedAgain`` follows.
    case tryAgain
    /// Look at what the job's processes are doing; answers ``Event/examined(_:)``.
    case examine
    /// Run a command that looks at a job that hangs; answers ``Event/onHangEnded(_:)``.
    case runOnHang([String])
    /// End the look or the command that is under way; it answers at once, with what there is.
    case endDiagnosis
    /// Write down for people what was found out about a hang.
    case saveReport(RunEvent.Hung, text: String)
    case setTimer(TimerID, at: Instant)
    case cancelTimer(TimerID)
    /// Make an empty directory for a payload; answers `stagingMade` or `commitFailed`.
    case makeStaging(CheckpointID)
    case dropStaging(CheckpointID)
    /// Answers ``Event/stagingMeasured(_:_:)``.
    case measureStaging(CheckpointID)
    /// Make a staged payload durable and visible; answers `committed` or `commitFailed`.
    case commit(CommitOrder)
    /// Take up a file or a directory of the job's; answers `committed` or `commitFailed`, or where
    /// the source has a rule, ``Event/notAdded(_:_:)``.
    case add(CommitOrder, from: Source)
    /// Ask somebody outside; answers ``Event/answered(_:_:)`` each time that an answer comes, and
    /// then ``Event/inquiryEnded(_:_:)``.
    case inquire(InquiryID, Inquiry)
    /// Its answers are of no more use.
    case endInquiry(InquiryID)
    /// Tell the source of a notice that all is saved; answers ``Event/acknowledged``.
    case acknowledge(Inquiry)
    /// Answers ``Event/removed(_:held:)``, and before it ``Event/removalFailed(_:)`` where the disk fails.
    case remove([CheckpointID])
    /// Wait until nobody reads this checkpoint; answers ``Event/released(_:)``.
    case awaitRelease(CheckpointID)
    /// Remove old output and then old events, the oldest first, until so many bytes are gone; nil removes
    /// all of them. The files that are being written to stay. Answers ``Event/logsRemoved(_:)``.
    case removeLogs(bytes: Int64?)
    /// Look at the archived runs of this name; answers ``Event/archives(_:)``.
    case listArchives
    /// Answers ``Event/archiveRemoved(_:bytes:)``.
    case removeArchive(String)
    /// Remove checkpoints of an archived run; answers ``Event/archiveTrimmed(_:gone:bytes:)``.
    case trimArchive(String, [CheckpointID])
    /// How much the job may still write beside its checkpoints; answers ``Event/freeSpace(_:)``.
    case measureSpace
    /// Make durable which are pinned; answers ``Event/pinsSaved(_:)``.
    case savePins(Set<CheckpointID>)
    case log(RunEvent)
    /// A line on standard error that is no event of the run.
    case tell(String)
    indirect case publish(Status)
    /// Tell our service manager.
    case notify(ServiceNotice)
    /// Write status and events; answers ``Event/filesFlushed``.
    case flushFiles
    /// Pass on all output; answers ``Event/readersServed``, and then ``Event/outputFlushed``.
    case flushOutput
    /// Let the pipes of those who read our output hold as much as the system allows.
    case widenReaders
    /// Tell once when more bytes than these are lost; answers ``Event/outputDiscarded(_:)``.
    case tellDiscards(beyond: Int64)
    /// Let the next attempt read our standard input, a file, from here on.
    case rewindInput(to: Int64)
    /// Answers ``Event/outputTaken(_:)``.
    case measureOutput
    /// Pass on no more output.
    case leaveOutput
    /// Close the descriptors that were inherited for the job: no other attempt starts.
    case closeInherited
    /// End the process, at once.
    case exit(Ending)

    /// Nobody waits for it.
    var tells: Bool {
        switch self {
        case .log, .tell, .publish, .notify: true
        default: false
        }
    }

    package enum Urgency: Equatable, Sendable {
        /// SIGTERM; ``killEverything`` may follow.
        case politely
        /// SIGKILL.
        case atOnce
    }

    package struct SpawnOrder: Equatable, Sendable {
        package var attempt: Int
        /// 32 hexadecimal digits.
        package var token: String
        package var resume: CheckpointSummary?
        /// Why the attempt before this one ended; nil where there is none or it did not fail.
        package var lastFailure: Failure.Kind?

        package init(
            attempt: Int, token: String, resume: CheckpointSummary?,
            lastFailure: Failure.Kind? = nil
        ) {
            self.attempt = attempt
            self.token = token
            self.resume = resume
            self.lastFailure = lastFailure
        }
    }

    /// Something that a job wrote by itself.
    package struct Source: Equatable, Sendable {
        /// An absolute path, of a file or a directory.
        package var path: FilePath
        package var mode: AddMode
        /// Of a watched file; nil takes it in any case.
        package var rule: RepeatRule?
        /// Only this is meant; nil takes what is there.
        package var content: ContentMark?

        package init(
            path: FilePath, mode: AddMode, rule: RepeatRule? = nil, content: ContentMark? = nil
        ) {
            self.path = path
            self.mode = mode
            self.rule = rule
            self.content = content
        }
    }

    /// How we end.
    package enum Ending: Equatable, Sendable {
        case completed
        /// The job failed for good, with this status.
        case failed(status: Int32)
        /// It was asked to stop by this signal, and stopped.
        case stopped(signal: Int32)
        /// Its machine is taken away, and all is as well as it can be.
        case preempted
        /// We could not do our work; the message says why and what to do.
        case refused(String)
    }
}
