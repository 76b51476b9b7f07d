/// Which addresses of 127.0.0.0/8 one instance has, by its block (0 ... 15), and what listens where by agreement.
package struct InstanceAddresses: Hashable, Sendable {
    package let block: Int
    package init(block: Int) { self.block = block }

    /// ClusterIPs: `127.(32+block).0.0/16`.
    package var services: AddressRange { AddressRange(127 << 24 | UInt32(32 + block) << 16, prefixLength: 16) }
    /// Pods' addresses: `127.(64+4*block).0.0/14`.
    package var pods: AddressRange { AddressRange(127 << 24 | UInt32(64 + 4 * block) << 16, prefixLength: 14) }
    /// Nodes' addresses: `127.16.(16*block).0/20`. The first carries the claim to the block, nodes have those behind it, the proxy some of the last.
    package var nodes: AddressRange { AddressRange(127 << 24 | 16 << 16 | UInt32(16 * block) << 8, prefixLength: 20) }

    /// Where the proxies answer questions about names: among the addresses that Services are not given by themselves.
    package var nameServer: UInt32 { services.first + 1 }
    /// Above 1024, so that every user can open it, and below the ports that the kernel chooses.
    package static let nameServerPort: UInt16 = 10053

    /// The port that a proxy opens at a Service's address in place of one that it has no right to; nil for a port that needs none. Above the ports
    /// that the kernel chooses, and one for each.
    package static func standIn(for port: UInt16) -> UInt16? { (1..<1024).contains(port) ? 64_512 + port : nil }
}
