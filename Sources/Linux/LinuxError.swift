import Glibc

/// A system call that failed: what was tried and the kernel's reason.
package struct LinuxError: Error, Hashable, Sendable, CustomStringConvertible {
    package let errno: Int32
    /// What was tried, with its object: `open /tmp/x`.
    package let operation: String

    package init(errno: Int32, operation: String) {
        self.errno = errno
        self.operation = operation
    }

    /// The reason of the call that just failed on this thread.
    package static func last(_ operation: String) -> LinuxError { LinuxError(errno: Glibc.errno, operation: operation) }

    /// `No such file or directory`.
    package var reason: String { String(cString: strerror(errno)) }

    /// Nothing went wrong: it cannot be done now without waiting.
    package var isWouldBlock: Bool { errno == EAGAIN }
    /// The file system is full, or what the user may have of it.
    package var isOutOfSpace: Bool { errno == ENOSPC || errno == EDQUOT }
    /// The descriptor was closed before.
    package var isBadDescriptor: Bool { errno == EBADF }

    /// Nobody listens there.
    package var isRefusal: Bool { errno == ECONNREFUSED }

    /// What a peer said nothing to in time.
    package static func timedOut(_ operation: String) -> LinuxError { LinuxError(errno: ETIMEDOUT, operation: operation) }
    /// What a peer broke off.
    package static func connectionReset(_ operation: String) -> LinuxError { LinuxError(errno: ECONNRESET, operation: operation) }

    package var description: String { "\(operation): \(reason)" }
}

/// Repeats a call that signals may interrupt; throws what remains.
@discardableResult
package func attempt(_ operation: @autoclosure () -> String, _ call: () -> Int32) throws(LinuxError) -> Int32 {
    while true {
        let result = call()
        if result >= 0 { return result }
        if Glibc.errno != EINTR { throw .last(operation()) }
    }
}
