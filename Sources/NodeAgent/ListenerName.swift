import Timing

/// Under which name `up` keeps what answers a program's held calls.
extension ContainerProcess {
    private static let listenerPrefix = "bind:"

    static func listenerName(_ podUID: String, _ container: String, _ startedAt: Timestamp) -> String {
        "\(listenerPrefix)\(podUID)/\(container)@\(startedAt.nanosecondsSince1970)"
    }

    static func isListener(_ name: String) -> Bool { name.hasPrefix(listenerPrefix) }
}
