import Linux
import Supervision

/// Which file a plan means, and what is wrong with it.
extension LaunchPlan {
    /// The program's file: a bare name is looked for in the PATH that the program itself will have, with the eyes of the user that it runs as.
    func executable(for user: Launch.User?) throws(LaunchProblem) -> String {
        if program.contains("/") { return program }
        for directory in (variable("PATH") ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":") {
            let path = "\(directory)/\(program)"
            if user.map({ Files.isExecutable(path, by: $0) }) ?? Files.isExecutable(path) { return path }
        }
        throw LaunchProblem(
            "RunContainerError",
            "exec: \"\(program)\": executable file not found in $PATH; name it by its absolute path in the Image or in command")
    }

    /// What people read of a launch that failed: the reason and the remedy.
    func problem(_ error: any Error) -> LaunchProblem {
        if let problem = error as? LaunchProblem { return problem }
        guard let failure = error as? LaunchFailure else { return LaunchProblem("CreateContainerError", "\(error)") }
        let path = program
        switch (failure.step, failure.isMissing, failure.isDenied) {
        case (.execute, true, _):
            return LaunchProblem(
                "RunContainerError",
                Files.exists(path)
                    ? "exec \(path): its interpreter (the first line of a script, or the loader of a program) does not exist on this machine"
                    : "exec \(path): no such file or directory; build the program, or correct the path in the Image or in command")
        case (.execute, _, _) where Files.isDirectory(path):
            return LaunchProblem("RunContainerError", "exec \(path): is a directory; name the program in it in the Image or in command")
        case (.execute, _, true):
            return LaunchProblem(
                "RunContainerError",
                "exec \(path): permission denied; make it executable (chmod +x), and its directories accessible to the user that the pod runs as"
            )
        case (.directory, _, _):
            return LaunchProblem("RunContainerError", "working directory \(directory): \(failure); make it, or correct workingDir")
        case (.execute, _, _): return LaunchProblem("RunContainerError", "exec \(path): \(failure)")
        default: return LaunchProblem("CreateContainerError", "\(failure)")
        }
    }
}
