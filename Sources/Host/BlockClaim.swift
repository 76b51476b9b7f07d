import Linux
import Resources

/// An instance's claim to one slice of the loopback ranges, against other instances on this machine, whoever's they are.
///
/// The claim is a bound datagram socket on the slice's first node address: it ends with the last process that holds it, and needs no file that
/// two users would have to share. What a stopped instance keeps is `BlockMemory`.
package struct BlockClaim: Sendable {
    package let block: Int
    package let descriptor: Int32

    /// Below the ephemeral range, so that no client takes it by chance.
    private static let claimPort: UInt16 = 9747

    /// The first of the block's node addresses.
    package static func address(_ block: Int) -> IPv4Address { IPv4Address(bits: InstanceAddresses(block: block).nodes.first) }

    /// The wanted block, else the first free one in `order`, by default by number.
    package static func take(_ wanted: Int?, order: [Int]? = nil) throws(HostError) -> BlockClaim {
        for block in wanted.map({ [$0] }) ?? order ?? Array(0..<HostConfiguration.blockCount) {
            guard let socket = try? Sockets.open(2, .init(2)) else { throw HostError("no socket can be opened: too many open files?") }
            do throws(LinuxError) {
                try Sockets.bind(socket, to: .ipv4(address(block), port: claimPort))
                return BlockClaim(block: block, descriptor: socket)
            } catch {
                closeDescriptor(socket)
            }
        }
        if let wanted {
            throw HostError(
                "block \(wanted) of the loopback addresses is used by another instance; choose another with --block (0 to "
                    + "\(HostConfiguration.blockCount - 1)), or stop that instance with: steady down --data-dir ITS_DIRECTORY")
        }
        throw HostError(
            "all \(HostConfiguration.blockCount) blocks of the loopback addresses are used by other instances; stop one with: steady down")
    }
}
