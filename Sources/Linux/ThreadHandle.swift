import CLinux
import Glibc

/// A thread of its own, for the few things that must block (fsync).
package struct ThreadHandle: Sendable {
    private let thread: pthread_t

    /// Starts the thread; its name (15 bytes at most) shows in `ps -L`.
    package static func start(name: String, _ body: @escaping @Sendable () -> Void) throws(LinuxError) -> ThreadHandle {
        final class Start: Sendable {
            let name: String
            let body: @Sendable () -> Void
            init(_ name: String, _ body: @escaping @Sendable () -> Void) {
                self.name = name
                self.body = body
            }
        }
        let start = Unmanaged.passRetained(Start(name, body))
        var thread = pthread_t()
        // Signals are the loop's: one that a thread took would end the process, whoever waits for it.
        var all = sigset_t()
        var before = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
        let result = pthread_create(
            &thread, nil,
            { raw in
                let start = Unmanaged<Start>.fromOpaque(raw!).takeRetainedValue()
                _ = clinux_set_name(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            start.release()
            throw LinuxError(errno: result, operation: "start thread \(name)")
        }
        return ThreadHandle(thread: thread)
    }

    /// Waits until its body has returned.
    package func join() { pthread_join(thread, nil) }
}
