import Glibc

/// A program that works for us and whose output is heard as it comes, on the loop and without a
/// thread of its own.
///
/// What calls ``Tools/ended(_:)`` has to run on the same loop. It is killed when this is let go.
package final class StreamedTool {
    /// What is heard of it.
    package enum News {
        /// Some of its output.
        case wrote([UInt8])
        /// The last that is heard.
        case ended(ExitStatus)
        /// It could not be executed, or not be listened to; the last that is heard.
        case failed(SystemError)
    }

    private let tools: Tools
    private let loop: EventLoop
    private let tool: Tool
    private let output: FileDescriptor
    private let heard: (News) -> Void
    private var outputWatch: EventLoop.Registration?
    private var endWatch: EventLoop.Registration?

    /// Starts it; to be called on the loop's thread.
    ///
    /// - Parameters:
    ///   - program: the file to execute; nil looks for the command's first word.
    ///   - input: what it reads; it has to fit into a pipe, 64 KiB.
    ///   - takesErrors: whether its standard error is heard with its output; else it is ours.
    /// - Throws: EMFILE, EAGAIN, ENOMEM; E2BIG where the input does not fit.
    package init(
        _ command: [String], program: String? = nil, environment: [String],
        directory: String = HelperPlace.directory, input: [UInt8] = [],
        takesErrors: Bool, tools: Tools, on loop: EventLoop, _ heard: @escaping (News) -> Void
    ) throws(SystemError) {
        self.tools = tools
        self.loop = loop
        self.heard = heard
        let pipe = try FileDescriptor.pipe(nonblocking: .read)
        let given = input.isEmpty ? nil : try Self.filled(with: input)
        let number = pipe.write.rawValue
        var request = SpawnRequest(
            command: command, environment: environment, directory: directory,
            standardInput: given.map { .descriptor($0.descriptor.rawValue) } ?? .null,
            standardOutput: .descriptor(number),
            standardError: takesErrors ? .descriptor(number) : .inherit)
        request.program = program
        tool = try tools.start(request)
        output = pipe.read
        outputWatch = try loop.watch(output.rawValue, for: .read) { [unowned self] _ in hear() }
        endWatch = try loop.watch(tool.statusDescriptor, for: .read) { [unowned self] _ in end() }
    }

    deinit { stop() }

    /// Ends it; nothing more is heard.
    package func stop() {
        guard endWatch != nil else { return }
        tools.kill(tool)
        forget()
    }

    private func forget() {
        for watch in [outputWatch, endWatch] { watch.map(loop.cancel) }
        outputWatch = nil
        endWatch = nil
    }

    /// - Returns: whether there may be more now.
    @discardableResult
    private func hear() -> Bool {
        guard let watch = outputWatch else { return false }
        var bytes: [UInt8] = []
        let result = try? readAvailable(output.rawValue, into: &bytes)
        if case .bytes = result {
            heard(.wrote(bytes))
            return true
        }
        // Closed, and it goes on: only its end is waited for.
        if result != .nothingYet {
            loop.cancel(watch)
            outputWatch = nil
        }
        return false
    }

    /// What it wrote before its end is heard before that.
    private func end() {
        while hear() {}
        guard endWatch != nil else { return }
        forget()
        do throws(SystemError) {
            heard(.ended(try tool.waitForEnd()))
        } catch {
            heard(.failed(error))
        }
    }

    private final class Holder {
        let descriptor: FileDescriptor

        init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
    }

    /// The reading end of a pipe with this in it, and no more to come.
    private static func filled(with input: [UInt8]) throws(SystemError) -> Holder {
        let pipe = try FileDescriptor.pipe(nonblocking: .write)
        let number = pipe.write.rawValue
        let count = try systemCall("write", "a pipe") {
            input.withUnsafeBytes { write(number, $0.baseAddress, $0.count) }
        }
        guard count == input.count else {
            throw SystemError(call: "write", code: E2BIG, subject: "a pipe")
        }
        return Holder(pipe.read)
    }
}
