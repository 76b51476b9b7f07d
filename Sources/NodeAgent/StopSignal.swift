/// Signals that `lifecycle.stopSignal` may name.
enum StopSignal {
    static func number(_ name: String) -> Int32? {
        ["SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6, "SIGKILL": 9, "SIGUSR1": 10, "SIGUSR2": 12, "SIGTERM": 15, "SIGWINCH": 28][
            name]
    }
}
