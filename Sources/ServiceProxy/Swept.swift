import Timing

/// Something the dataplane keeps alive while it is open and looks at now and then.
protocol Swept: AnyObject {
    /// Where the dataplane keeps it; its own to write.
    var place: Int { get set }
    /// Bytes that wait in memory on its account.
    var bufferedByteCount: Int { get }
    /// Acts on what took too long.
    func sweep(now: Instant)
}

/// What can be ended from outside.
protocol Closable: AnyObject {
    func closeNow()
    /// Closes where nothing is under way.
    func closeIfResting()
    /// Since when nothing is under way; nil while something is, if only in the socket.
    var restsSince: Instant? { get }
}
