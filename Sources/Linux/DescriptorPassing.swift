import CLinux
import Glibc

/// Messages with descriptors over Unix sockets (SCM_RIGHTS).
package enum DescriptorPassing {
    /// Descriptors in one message at most.
    package static let descriptorLimit = 16

    /// Sends one message whole; on a sequenced-packet socket it arrives as one. EAGAIN is thrown when the socket's buffer is full.
    package static func send(_ bytes: [UInt8], descriptors: [Int32] = [], over socket: Int32) throws(LinuxError) {
        precondition(descriptors.count <= descriptorLimit)
        while true {
            let sent = bytes.withUnsafeBytes { clinux_send_fds(socket, $0.baseAddress, $0.count, descriptors, Int32(descriptors.count), 0) }
            if sent >= 0 { return }
            if errno != EINTR { throw .last("sendmsg") }
        }
    }

    /// The next message, at most `limit` bytes of it, with its descriptors, which are now the caller's. Nil: nothing there now. Empty: the other
    /// side is gone.
    package static func receive(from socket: Int32, limit: Int = 65536) throws(LinuxError) -> (bytes: [UInt8], descriptors: [Int32])? {
        var descriptors = [Int32](repeating: -1, count: descriptorLimit)
        var count = Int32(descriptorLimit)
        while true {
            var got = 0
            let bytes = [UInt8](unsafeUninitializedCapacity: limit) { room, used in
                got = clinux_receive_fds(socket, room.baseAddress, room.count, &descriptors, &count, 0)
                used = max(0, got)
            }
            if got >= 0 { return (bytes, Array(descriptors.prefix(Int(count)))) }
            switch errno {
            case EAGAIN: return nil
            case EINTR: count = Int32(descriptorLimit)
            default: throw .last("recvmsg")
            }
        }
    }
}
