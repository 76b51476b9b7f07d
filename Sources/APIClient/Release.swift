import Linux

/// What this build of Steady is.
package enum Release {
    /// Stands in the program file as it is written here: `strings steady | grep "steady version"` shows it without running the program.
    private static let stamp: StaticString = "steady version 0.1.0"
    private static let prefixCount = "steady version ".count

    package static let version = String(stamp.description.dropFirst(prefixCount))

    /// Which program file this process runs: version, size and time. A copy that keeps the time is the same program.
    package static let program = identity("/proc/self/exe", version: version)

    /// The identity of a program file of this version.
    ///
    /// BEFORE you change its form: it is a protocol between versions. An upgrade compares what the other program says of itself with what this one finds
    /// of the file; another form would be taken for a script that starts some other program, and refused.
    package static func identity(_ path: String, version: String) -> String {
        "\(version)-\(Files.size(path))-\(Files.modified(path) ?? 0)"
    }
}
