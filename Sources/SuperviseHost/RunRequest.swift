import SuperviseCore
import SuperviseFormats

/// What `supervise run` was asked to do: options read, checked and with their defaults.
package struct RunRequest: Sendable {
    /// The program and its arguments; never empty.
    package var command: [String]
    /// Where it runs: an absolute path.
    package var directory: String
    /// Another path of the same directory, by which a run may be known; nil if there is none.
    package var otherDirectory: String?
    /// The options that were given, by long name without dashes, for the run record.
    package var options: [String: String]
    /// nil takes the default name.
    package var name: RunName?
    /// An absolute path.
    package var stateDirectory: String
    /// What another command has to be given to find the same runs.
    package var placeOption: [String] = []
    /// An absolute path; nil keeps checkpoints in the state directory.
    package var checkpointDirectory: String?
    /// Archive what there is under the name, and begin anew.
    package var fresh = false
    /// Go on with the run even if it is one of something else.
    package var adopt = false
    package var whenCompleted = WhenCompleted.again
    /// Begin nothing if the run's directory is not there.
    package var requiresState = false
    /// It goes on with a run by its name.
    package var isResume = false
    /// Lines for people about what they have given.
    package var notes: [String] = []
    package var settings: Settings
    package var job = JobSettings()
    /// Variables of the environment that are recorded beside the standard ones.
    package var keptVariables: [String] = []
    /// What the run began with, for one that is resumed; nil takes what the caller has.
    package var beginning: Beginning?
    /// The number of the signal that asks for a checkpoint; nil where none does.
    package var checkpointSignal: Int32?
    /// The number of the signal that tells that the machine is taken away; nil where none does.
    package var preemptSignal: Int32?
    /// What we exit with when it is.
    package var preemptedExitCode: Int32 = 75
    /// What is added to the command where there is a checkpoint.
    package var resumeArguments: ResumeArguments?
    /// Which of the job's streams pass through us.
    package var output = OutputPlan.Mode.auto
    /// Keep the job's output, in files of so many bytes; nil keeps nothing.
    package var capture: Int64?
    /// The job gets a terminal of its own.
    package var tty = false
    /// The job gets the sockets that our service manager gave us.
    package var passesSockets = false
    package var verbosity = Verbosity.normal
    package var logFormat = LogFormat.text

    /// The program and the variables that a run began with.
    package struct Beginning: Equatable, Sendable {
        /// An absolute path; nil where only the command's name is known.
        package var program: String?
        package var environment: KeptEnvironment

        package init(program: String?, environment: KeptEnvironment) {
            self.program = program
            self.environment = environment
        }
    }

    /// Who looks at a job that hangs, with `--on-hang`.
    package var onHangUser = OnHangUser.supervisor

    package enum OnHangUser: String, Sendable, CaseIterable {
        /// As we are, in `/`.
        case supervisor
        /// As the job is, where it works.
        case job
    }

    /// What happens where the run of that name has completed.
    package enum WhenCompleted: String, Sendable, CaseIterable { case again, exit }

    package enum Verbosity: Sendable { case quiet, normal, verbose }

    package enum LogFormat: String, Sendable, CaseIterable { case text, json }

    package init(
        command: [String], directory: String, options: [String: String], stateDirectory: String,
        settings: Settings
    ) {
        self.command = command
        self.directory = directory
        self.options = options
        self.stateDirectory = stateDirectory
        self.settings = settings
    }
}
