import CLinux
import Glibc

/// Says that something was written, made or renamed in a directory; not what: whoever listens looks himself. Events that come while it is being
/// listened to count as one.
///
/// It sees the directory's own entries, on this machine, and none below them (inotify(7)). Ends with `cancel`.
package final class DirectoryWatch {
    private let descriptor: Int32
    private var watch: EventLoop.Watch?

    /// Fails where the directory cannot be read, or the user has all the instances that `fs.inotify.max_user_instances` allows.
    ///
    /// - Parameter onChange: called on the loop. Changes from BEFORE this call are not told: look AFTER it.
    package init(loop: EventLoop, _ path: String, _ onChange: @escaping () -> Void) throws(LinuxError) {
        let descriptor = try attempt("inotify") { inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) }
        self.descriptor = descriptor
        do throws(LinuxError) {
            _ = try attempt("watch \(path)") {
                inotify_add_watch(descriptor, path, UInt32(IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR))
            }
            watch = try loop.watch(descriptor, .read) { _ in
                var events = [UInt8](repeating: 0, count: 4096)
                while Glibc.read(descriptor, &events, events.count) > 0 {}
                onChange()
            }
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Nothing is told any more.
    package func cancel() {
        guard let watch else { return }
        watch.cancel()
        self.watch = nil
        close(descriptor)
    }

    deinit { cancel() }
}
