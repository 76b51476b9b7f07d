import Linux
import Synchronization

@testable import ServiceProxy

/// Ports that nobody listens on, each given out once.
enum FreePort {
    /// Below the ports that the kernel chooses (ip_local_port_range): no connection of another test takes one meanwhile.
    private static let range: ClosedRange<UInt16> = 20_000...29_999
    private static let last = Mutex(UInt16.random(in: range))

    static func next() throws -> UInt16 {
        for _ in range {
            let port = last.withLock {
                $0 = $0 == range.upperBound ? range.lowerBound : $0 + 1
                return $0
            }
            guard let probe = try? Sockets.listen(tcp: .ipv4(Harness.host, port: port)) else { continue }
            Sockets.close(probe)
            return port
        }
        throw NoneFree()
    }

    struct NoneFree: Error {}
}
