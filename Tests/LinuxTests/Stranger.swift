import Foundation
import Linux

/// Another user of this machine, as whom a test that root runs can make sockets.
enum Stranger {
    /// `nobody` on every Linux; the number is all that counts.
    static let user: UInt32 = 65_534
    static let isPossible = geteuid() == 0
    static let reason = "only root can be somebody else"

    /// Runs with the stranger's file system user: a socket belongs to whoever that is when it is made. Of this thread alone, so that tests beside it
    /// stay who they are.
    static func acting<Result>(_ body: () throws -> Result) rethrows -> Result {
        typealias Become = @convention(c) (UInt32) -> Int32
        let become = unsafeBitCast(dlsym(nil, "setfsuid"), to: Become.self)
        _ = become(user)
        defer { _ = become(geteuid()) }
        return try body()
    }
}
