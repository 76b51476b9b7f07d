/// Why a verb failed: the line for the terminal, and the exit code for scripts.
package struct CommandError: Error, Sendable, CustomStringConvertible {
    package let message: String
    /// 1: it did not work; 2: the command line is wrong.
    package let exitCode: Int32

    package init(_ message: String, exitCode: Int32 = 1) {
        self.message = message
        self.exitCode = exitCode
    }

    /// The command line itself is wrong: exit code 2.
    package static func usage(_ message: String) -> CommandError { CommandError(message, exitCode: 2) }

    package var description: String { message }
}
