import APIClient
import Linux
import Resources

/// What one proxy process is started with.
package struct ProxyConfiguration: Sendable {
    /// The role's name and its `ProxyStatus`' name: `proxy-1`.
    package var name: String
    package var directory: DataDirectory
    /// Which slice of the loopback ranges the instance has (0 ... 15).
    package var block: Int
    /// Where NodePort and LoadBalancer ports listen.
    package var exposed: IPv4Address

    package init(name: String, directory: DataDirectory, block: Int, exposed: IPv4Address = .loopback) {
        self.name = name
        self.directory = directory
        self.block = block
        self.exposed = exposed
    }

    /// Addresses to connect from when the system's choice has no port left: each gives 28,000 connections to each endpoint. They are the
    /// last ones of the block's node addresses, which nodes are given from the front.
    var sources: [IPv4Address] { (0..<8).map { IPv4Address(bits: InstanceAddresses(block: block).nodes.first + 0xF00 + 1 + $0) } }

    /// What a Service's status names as its address: of an unspecified one, the address that a local client uses.
    var announced: IPv4Address { exposed == .any ? .loopback : exposed }
}
