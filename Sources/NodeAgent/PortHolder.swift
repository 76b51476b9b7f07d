import Linux
import Supervision

/// Finds who keeps a pod from a port: for the message, so it may cost a scan.
enum PortHolder {
    static func describe(port: UInt16, pod: UInt32) -> String {
        let address = AddressPool.text(pod)
        guard let found = listeners(port).first(where: { $0.address == pod }) ?? listeners(port).first(where: { $0.address == 0 }) else {
            return "address already in use"
        }
        let who = process(ofSocket: found.inode).map { " by \($0)" } ?? ""
        if found.address == pod { return "address \(address):\(port) already in use\(who)" }
        return
            "port \(port) of every address of this machine is held\(who), which keeps pods from it; stop that program, or let it bind one address"
    }

    /// TCP sockets that listen on the port, IPv4: address in host order. Mapped IPv6 wildcard listeners count as address 0.
    private static func listeners(_ port: UInt16) -> [(address: UInt32, inode: String)] {
        ["/proc/net/tcp", "/proc/net/tcp6"].flatMap { path -> [(address: UInt32, inode: String)] in
            ((try? Files.text(path)) ?? "").split(separator: "\n").dropFirst().compactMap { line in
                let fields = line.split(separator: " ")
                // 0A is LISTEN.
                guard fields.count > 9, fields[3] == "0A" else { return nil }
                let local = fields[1].split(separator: ":")
                guard local.count == 2, UInt16(local[1], radix: 16) == port, let word = UInt32(local[0].suffix(8), radix: 16) else {
                    return nil
                }
                return (word.byteSwapped, String(fields[9]))
            }
        }
    }

    private static func process(ofSocket inode: String) -> String? {
        for pid in Survivors.everybody() {
            for descriptor in (try? Files.list("/proc/\(pid)/fd")) ?? []
            where Files.linkTarget("/proc/\(pid)/fd/\(descriptor)") == "socket:[\(inode)]" {
                let name = ((try? Files.text("/proc/\(pid)/comm")) ?? "").split(separator: "\n").first.map(String.init) ?? "?"
                return "\(name) (pid \(pid))"
            }
        }
        return nil
    }
}
