/// Which addresses of 127.0.0.0/8 one instance has, by its block (0 ... 15), and what listens where by agreement.
package struct InstanceAddresses: Hashable, Sendable {
    package let block: Int
    package init(block: Int) { self.block = block }

    /// 127.(32 + block).0.0/16, host order.
    package var firstService: UInt32 { 127 << 24 | UInt32(32 + block) << 16 }
    package static let servicePrefixLength = 16
    /// 127.(64 + 4 * block).0.0/14, host order.
    package var firstPod: UInt32 { 127 << 24 | UInt32(64 + 4 * block) << 16 }
    package static let podPrefixLength = 14

    /// Whether a Service can have this address, host order.
    package func isService(_ address: UInt32) -> Bool { address >> 16 == firstService >> 16 }

    /// Where the proxies answer questions about names: among the addresses that Services are not given by themselves.
    package var nameServer: UInt32 { firstService + 1 }
    /// Above 1024, so that every user can open it, and below the ports that the kernel chooses.
    package static let nameServerPort: UInt16 = 10053

    /// The port that a proxy opens at a Service's address in place of one that it has no right to; nil for a port that needs none. Above the ports
    /// that the kernel chooses, and one for each.
    package static func standIn(for port: UInt16) -> UInt16? { (1..<1024).contains(port) ? 64_512 + port : nil }
}
