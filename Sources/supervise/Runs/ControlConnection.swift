import SuperviseFormats
import SuperviseSystem

/// An operator's connection to the supervisor of a run.
struct ControlConnection {
    let run: FoundRun
    private let client: UnixClient

    /// - Throws: ``Complaint`` where the run is not running, or its supervisor does not answer.
    init(to run: FoundRun, at now: Timestamp) throws(Complaint) {
        self.run = run
        let glance = try run.glance(at: now)
        guard glance.isRunning else {
            throw Complaint(
                "run \(run.name) is not running (\(glance.word))", status: Complaint.no)
        }
        guard let socket = glance.status.socket else {
            throw Complaint(
                "run \(run.name) has only just started; try again", status: Complaint.no)
        }
        do throws(SystemError) {
            client = try UnixClient(path: socket)
        } catch {
            throw Complaint(
                "the supervisor of \(run.name) (pid \(glance.status.supervisorPID)) cannot be "
                    + "reached: \(error)", status: Complaint.no)
        }
    }

    /// Asks, and waits for the answer as long as it takes.
    ///
    /// - Throws: ``Complaint`` where the supervisor refuses or goes away.
    func ask(_ control: JobMessage.Control) throws(Complaint) -> SupervisorMessage {
        do {
            let line = try Envelope<JobMessage>(.control(control), seq: 1).line()
            try client.send(line: String(decoding: line.dropLast(), as: UTF8.self))
            while let line = try client.readLine(within: nil) {
                let answer = try JSONText.decode(
                    Envelope<SupervisorMessage>.self, from: line.utf8)
                guard answer.seq == 1 else { continue }
                if case .error(let error) = answer.message {
                    throw Complaint(error.message, status: Complaint.no)
                }
                return answer.message
            }
        } catch let complaint as Complaint {
            throw complaint
        } catch {
            throw Complaint(
                "the supervisor of \(run.name) gave no answer: \(error)", status: Complaint.no)
        }
        throw Complaint(
            "the supervisor of \(run.name) ended without an answer", status: Complaint.no)
    }

    /// Waits until the supervisor has closed the connection: the last that it does.
    func waitForEnd() {
        do throws(SystemError) {
            while try client.readLine(within: nil) != nil {}
        } catch {
            // A connection that broke is one that ended.
        }
    }
}
