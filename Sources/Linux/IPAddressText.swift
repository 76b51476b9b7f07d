import Glibc

/// Reads IP addresses of both families as people write them.
package enum IPAddressText {
    /// 4 or 16 octets; nil for what is no address. A zone (`%eth0`) does not count.
    package static func octets(_ text: String) -> [UInt8]? {
        let text = text.split(separator: "%", maxSplits: 1).first.map(String.init) ?? text
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var octets = [UInt8](repeating: 0, count: count)
            if inet_pton(family, text, &octets) == 1 { return octets }
        }
        return nil
    }
}
