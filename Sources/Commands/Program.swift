import APIClient
import Linux

/// The command line as a library: from arguments to an exit code.
package enum Program {
    package static let version = Release.version

    /// Runs a command line; the exit code.
    package static func run(_ arguments: [String], verbs: [Verb], terminal: Terminal = Terminal()) -> Int32 {
        do throws(CommandError) {
            switch try CommandLineParser(verbs: verbs).parse(arguments, terminal: terminal) {
            case .help(let verb?, _): terminal.write(HelpText.verb(verb))
            case .help(nil, let prefix?): terminal.write(HelpText.group(prefix, verbs))
            case .help(nil, nil): terminal.write(HelpText.program(verbs))
            case .run(let invocation): return try perform(invocation)
            }
            return 0
        } catch {
            terminal.complain(
                error.message.hasPrefix("Error from server") || error.message.hasPrefix("The ") ? error.message : "error: \(error.message)")
            return error.exitCode
        }
    }

    private static func perform(_ invocation: Invocation) throws(CommandError) -> Int32 {
        if let directory = invocation.value("kustomize") {
            throw .usage(
                "-k: kustomize is not built in; let kubectl make the manifests: kubectl kustomize \(directory) | steady \(invocation.verb.name) -f -"
            )
        }
        if invocation.isGiven(Verb.missingKeys.name), !invocation.isSet(Verb.missingKeys.name) {
            throw .usage(
                "--allow-missing-template-keys=false is not built in: a field that is missing is printed as <no value>, or as nothing")
        }
        do {
            return try invocation.verb.run(invocation)
        } catch let error as CommandError {
            throw error
        } catch let error as LinuxError where error.isOutOfSpace {
            throw CommandError("\(error); make room on that file system, then try again: nothing that is stored is lost")
        } catch {
            throw CommandError("\(error)")
        }
    }
}
