import APIClient
import Linux

/// Where an instance keeps the program that it ran before an upgrade: what stood at its path may be another one by now.
struct ProgramShelf {
    let directory: DataDirectory

    /// The path of a copy of the program that this process runs; made unless it is there.
    func keepRunning() throws(LinuxError) -> String {
        let path = "\(directory.programs)/steady-\(Release.program)"
        if Release.identity(path, version: Release.version) == Release.program, Files.isExecutable(path) { return path }
        try Files.makeDirectories(directory.programs)
        try Files.copy("/proc/self/exe", to: path)
        return path
    }

    /// Forgets all copies but these.
    func keepOnly(_ paths: [String]) {
        for name in (try? Files.list(directory.programs)) ?? [] where !paths.contains("\(directory.programs)/\(name)") {
            try? Files.removeTree("\(directory.programs)/\(name)")
        }
    }
}
